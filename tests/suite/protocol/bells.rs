//! Pollers that sleep beside queues: no work may lie there while one who could take it sleeps and no bell rings.
//!
//! Three pollers serve overlapping queues, one of which takes only so many at once. Jobs come, queues are paused and
//! resumed, daemons stop. The timeouts of real pollers (a second at most) are left out: bells must do without them. They
//! are there for the one case that bells cannot cover, a poller that dies between its wake-up and its reserve.

use super::search::{Model, search};

const QUEUES: usize = 2;
/// Which queues each poller serves, as bits.
const SERVES: [u8; 3] = [0b01, 0b10, 0b11];
/// The second queue runs at most one job at a time.
const LIMITED: usize = 1;

/// The rules about bells.
#[derive(Debug, Clone, Copy)]
struct Bells {
    /// Each queue has its own bell.
    one_a_queue: bool,
    /// A reserve that leaves takeable work behind leaves the bell ringing.
    left_ringing: bool,
    /// A place that becomes free in a full queue rings.
    rung_by_a_free_place: bool,
    /// A resumed queue rings.
    rung_by_resume: bool,
    /// How many tickets a reserve takes at most.
    want: u8,
}

const KEPT: Bells = Bells {
    one_a_queue: true,
    left_ringing: true,
    rung_by_a_free_place: true,
    rung_by_resume: true,
    want: 1,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Poller {
    /// About to reserve.
    Awake,
    /// Waits for the bells of its queues.
    Asleep,
    /// At work on so many jobs of each queue, and wants no more.
    Busy([u8; QUEUES]),
    Stopped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct House {
    ready: [u8; QUEUES],
    running: [u8; QUEUES],
    paused: [bool; QUEUES],
    ringing: [bool; QUEUES],
    pollers: [Poller; 3],
    /// How many jobs are still to come.
    coming: u8,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Comes(usize),
    Wakes(usize, usize),
    Reserves(usize),
    /// Its jobs are done; it asks for more, or stops.
    Finishes(usize, bool),
    Pauses(usize),
    Resumes(usize),
}

impl House {
    fn takeable(&self, q: usize) -> bool {
        let full = q == LIMITED && self.running[q] >= 1;
        self.ready[q] > 0 && !self.paused[q] && !full
    }
}

impl Bells {
    fn bell(self, q: usize) -> usize {
        if self.one_a_queue { q } else { 0 }
    }

    fn reserve(self, house: &mut House, p: usize) {
        let mut taken = [0; QUEUES];
        let served = (0..QUEUES).filter(|q| SERVES[p] & 1 << q != 0);
        for q in served.clone() {
            while house.takeable(q) && taken.iter().sum::<u8>() < self.want {
                taken[q] += 1;
                house.ready[q] -= 1;
                house.running[q] += 1;
            }
        }
        for q in served {
            house.ringing[self.bell(q)] |= self.left_ringing && house.takeable(q);
        }
        let nothing = taken == [0; QUEUES];
        house.pollers[p] = if nothing {
            Poller::Asleep
        } else {
            Poller::Busy(taken)
        };
    }
}

impl Model for Bells {
    type State = House;
    type Action = Step;

    fn start(&self) -> House {
        House {
            ready: [0; QUEUES],
            running: [0; QUEUES],
            paused: [false; QUEUES],
            ringing: [false; QUEUES],
            pollers: [Poller::Awake; 3],
            coming: 4,
        }
    }

    fn actions(&self, house: &House, into: &mut Vec<(Step, bool)>) {
        for q in 0..QUEUES {
            if house.coming > 0 {
                into.push((Step::Comes(q), false));
            }
            into.push(if house.paused[q] {
                (Step::Resumes(q), false)
            } else {
                (Step::Pauses(q), true)
            });
        }
        for (p, poller) in house.pollers.iter().enumerate() {
            match poller {
                Poller::Awake => into.push((Step::Reserves(p), false)),
                Poller::Asleep => {
                    let heard = (0..QUEUES)
                        .filter(|q| SERVES[p] & 1 << q != 0 && house.ringing[self.bell(*q)]);
                    into.extend(heard.map(|q| (Step::Wakes(p, self.bell(q)), false)));
                }
                Poller::Busy(_) => {
                    into.push((Step::Finishes(p, false), false));
                    into.push((Step::Finishes(p, true), true));
                }
                Poller::Stopped => {}
            }
        }
    }

    fn apply(&self, mut house: House, step: Step) -> Result<House, String> {
        match step {
            Step::Comes(q) => {
                house.coming -= 1;
                house.ready[q] += 1;
                house.ringing[self.bell(q)] = true;
            }
            Step::Wakes(p, bell) => {
                // Whoever hears the bell has spent its ring.
                house.ringing[bell] = false;
                house.pollers[p] = Poller::Awake;
            }
            Step::Reserves(p) => self.reserve(&mut house, p),
            Step::Finishes(p, stops) => {
                if let Poller::Busy(jobs) = house.pollers[p] {
                    for (q, n) in jobs.into_iter().enumerate() {
                        house.running[q] -= n;
                        let freed = n > 0 && q == LIMITED && house.ready[q] > 0;
                        house.ringing[self.bell(q)] |= freed && self.rung_by_a_free_place;
                    }
                }
                house.pollers[p] = if stops {
                    Poller::Stopped
                } else {
                    Poller::Awake
                };
            }
            Step::Pauses(q) => house.paused[q] = true,
            Step::Resumes(q) => {
                house.paused[q] = false;
                house.ringing[self.bell(q)] |= self.rung_by_resume && house.ready[q] > 0;
            }
        }
        Ok(house)
    }

    /// Q12. Asked only where nobody is about to do anything: who is awake may yet take the work, or ring.
    fn check(&self, house: &House) -> Result<(), String> {
        if house.pollers.contains(&Poller::Awake) {
            return Ok(());
        }
        let sleeps = |p: usize| house.pollers[p] == Poller::Asleep;
        let hears = |p: usize, q: usize| SERVES[p] & 1 << q != 0 && house.ringing[self.bell(q)];
        for p in (0..SERVES.len()).filter(|p| sleeps(*p)) {
            for q in (0..QUEUES).filter(|q| SERVES[p] & 1 << q != 0 && house.takeable(*q)) {
                let somebody_wakes =
                    (0..SERVES.len()).any(|p| sleeps(p) && (0..QUEUES).any(|q| hears(p, q)));
                if !somebody_wakes {
                    return Err(format!("Q12: poller {p} sleeps beside work in queue {q}"));
                }
            }
        }
        Ok(())
    }

    fn is_done(&self, house: &House) -> bool {
        // Work that only a stopped daemon could do may lie for ever; `check` says all there is to say.
        !house.pollers.contains(&Poller::Awake)
    }
}

#[track_caller]
fn breaks(bells: Bells) {
    match search(&bells, 2) {
        Ok(seen) => panic!(
            "nobody oversleeps in any of {} states without the rule",
            seen.states
        ),
        Err(broken) => {
            println!("{broken}");
            assert!(broken.law.starts_with("Q12:"), "{}", broken.law);
        }
    }
}

// Q12.
#[test]
fn no_poller_sleeps_beside_work_it_could_take() {
    for want in 1..=3 {
        match search(&Bells { want, ..KEPT }, 3) {
            Ok(seen) => println!(
                "bells, {want} at a time: {} states, {} steps",
                seen.states, seen.steps
            ),
            Err(broken) => panic!("{want} at a time: {broken}"),
        }
    }
}

// Q12.
#[test]
fn one_bell_for_all_wakes_one_who_cannot_take_the_work() {
    breaks(Bells {
        one_a_queue: false,
        ..KEPT
    });
}

// Q12.
#[test]
fn a_bell_that_is_not_left_ringing_wakes_too_few() {
    breaks(Bells {
        left_ringing: false,
        ..KEPT
    });
}

// Q12.
#[test]
fn a_free_place_that_does_not_ring_leaves_a_poller_asleep() {
    breaks(Bells {
        rung_by_a_free_place: false,
        ..KEPT
    });
}

// Q12.
#[test]
fn a_resumed_queue_that_does_not_ring_leaves_a_poller_asleep() {
    breaks(Bells {
        rung_by_resume: false,
        ..KEPT
    });
}
