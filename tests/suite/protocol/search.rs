//! A search through every state that a model can reach, with the history that leads to each.
//!
//! Histories are tried in the order of how much goes wrong in them, then of how long they are, so what is reported is
//! the plainest history that breaks a law. A state that was reached with fewer faults is not looked at again with more.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// Something that moves from state to state.
pub trait Model {
    /// All there is to know at one moment.
    type State: Copy + Eq + Hash + fmt::Debug;
    /// One step.
    type Action: Copy + fmt::Debug;

    /// Where every history begins.
    fn start(&self) -> Self::State;

    /// Adds what can happen next, and for each whether it is a fault, of which a history has only so many.
    fn actions(&self, state: &Self::State, into: &mut Vec<(Self::Action, bool)>);

    /// What `action` makes of `state`; the law that it breaks, if it breaks one.
    fn apply(&self, state: Self::State, action: Self::Action) -> Result<Self::State, String>;

    /// The law that does not hold in `state`, if there is one.
    fn check(&self, state: &Self::State) -> Result<(), String>;

    /// Whether everything has come to its end in `state`.
    fn is_done(&self, state: &Self::State) -> bool;
}

/// A law that does not hold, and the history that shows it.
#[derive(Debug)]
pub struct Broken {
    /// Which law.
    pub law: String,
    /// The steps, from the start.
    pub path: Vec<String>,
    /// The state that they lead to.
    pub state: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} (after {} steps)", self.law, self.path.len())?;
        for (i, step) in self.path.iter().enumerate() {
            writeln!(f, "  {:2}. {step}", i + 1)?;
        }
        write!(f, "  leads to {}", self.state)
    }
}

/// What a search that found nothing wrong has seen.
#[derive(Debug)]
pub struct Seen {
    /// Different states.
    pub states: usize,
    /// Steps tried.
    pub steps: usize,
}

/// Looks at every state that can be reached with at most `faults` faults. In each, the laws must hold and it must still
/// be possible, with no further fault, that everything comes to its end.
pub fn search<M: Model>(model: &M, faults: usize) -> Result<Seen, Box<Broken>> {
    let mut search = Search {
        model,
        states: Vec::new(),
        index: HashMap::default(),
        faultless: Vec::new(),
    };
    let mut layer: Layer<M> = vec![(model.start(), None)];
    let mut steps = 0;
    for spent in 0..=faults {
        let first = search.states.len();
        for (state, from) in std::mem::take(&mut layer) {
            search.add(state, from)?;
        }
        steps += search.exhaust(first, (spent < faults).then_some(&mut layer))?;
    }
    search.every_state_has_a_good_end()?;
    Ok(Seen {
        states: search.states.len(),
        steps,
    })
}

/// The step that led to a state first: from which state, by which of its actions.
type From<A> = Option<(u32, A)>;

/// States that a further fault leads to, and how.
type Layer<M> = Vec<(<M as Model>::State, From<<M as Model>::Action>)>;

struct Search<'a, M: Model> {
    model: &'a M,
    states: Vec<(M::State, From<M::Action>)>,
    index: HashMap<M::State, u32, BuildHasherDefault<Quick>>,
    /// Steps that are no faults, as pairs of states.
    faultless: Vec<(u32, u32)>,
}

impl<M: Model> Search<'_, M> {
    /// Follows all steps from the states at `first` and after it, and from all that those lead to without a fault.
    /// What a fault leads to goes into `next`.
    fn exhaust(
        &mut self,
        first: usize,
        mut next: Option<&mut Layer<M>>,
    ) -> Result<usize, Box<Broken>> {
        let (mut at, mut steps, mut actions) = (first, 0, Vec::new());
        while at < self.states.len() {
            let (state, number) = (self.states[at].0, narrow(at));
            self.model.actions(&state, &mut actions);
            for (action, fault) in actions.drain(..) {
                if fault && next.is_none() {
                    continue;
                }
                steps += 1;
                let to = self
                    .model
                    .apply(state, action)
                    .map_err(|law| self.broken(law, number, Some(action)))?;
                match &mut next {
                    Some(next) if fault => {
                        if !self.index.contains_key(&to) {
                            next.push((to, Some((number, action))));
                        }
                    }
                    _ => {
                        let to = self.add(to, Some((number, action)))?;
                        self.faultless.push((number, to));
                    }
                }
            }
            at += 1;
        }
        Ok(steps)
    }

    /// The number of `state`, which is looked at if it is new.
    fn add(&mut self, state: M::State, from: From<M::Action>) -> Result<u32, Box<Broken>> {
        if let Some(&known) = self.index.get(&state) {
            return Ok(known);
        }
        let number = narrow(self.states.len());
        self.states.push((state, from));
        self.index.insert(state, number);
        match self.model.check(&state) {
            Ok(()) => Ok(number),
            Err(law) => Err(self.broken(law, number, None)),
        }
    }

    fn every_state_has_a_good_end(&self) -> Result<(), Box<Broken>> {
        let mut good: Vec<bool> = self
            .states
            .iter()
            .map(|(s, _)| self.model.is_done(s))
            .collect();
        // Steps mostly lead from earlier states to later ones, so going backwards needs few rounds.
        let mut changed = true;
        while changed {
            changed = false;
            for &(from, to) in self.faultless.iter().rev() {
                if good[to as usize] && !good[from as usize] {
                    good[from as usize] = true;
                    changed = true;
                }
            }
        }
        match good.iter().position(|g| !g) {
            None => Ok(()),
            Some(stuck) => Err(self.broken(
                "Q1, Q9: not everything can come to its end any more".to_owned(),
                narrow(stuck),
                None,
            )),
        }
    }

    fn broken(&self, law: String, at: u32, last: Option<M::Action>) -> Box<Broken> {
        let mut path: Vec<String> = last.iter().map(|a| format!("{a:?}")).collect();
        let mut here = at;
        while let Some((before, action)) = &self.states[here as usize].1 {
            path.push(format!("{action:?}"));
            here = *before;
        }
        path.reverse();
        let state = format!("{:?}", self.states[at as usize].0);
        Box::new(Broken { law, path, state })
    }
}

fn narrow(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than four thousand million states")
}

/// A hash that is good enough for millions of small states, and several times quicker than the standard one.
#[derive(Default)]
struct Quick(u64);

impl Quick {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        // The table looks at the upper and at the lower bits; multiplication has left the lower ones poor.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, n: u8) {
        self.mix(u64::from(n));
    }

    fn write_isize(&mut self, n: isize) {
        self.mix(n.unsigned_abs() as u64);
    }
}
