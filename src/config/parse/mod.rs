//! The texts of settings and what they mean.
//!
//! An error continues the sentence "`text` …", and says what to write instead. It never repeats the text, which may be
//! secret.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::job::duration::{parse_duration, written};
use crate::job::is_name;

use crate::config::{QueueWeight, Queues};
use crate::near;

/// Most queues that one daemon takes from: each is a line to look into and a bell to listen for.
const QUEUES_MAX: usize = 256;

/// Largest weight of a queue; a thousand to one is as good as never.
const WEIGHT_MAX: u32 = 1_000;

/// Largest limit of a queue: more than all the threads of a hundred daemons.
const LIMIT_MAX: u32 = 100_000;

type Parsed<T> = Result<T, String>;

/// A whole number within bounds.
pub(in crate::config) fn number<T>(text: &str, bounds: RangeInclusive<T>) -> Parsed<T>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "is not a whole number from {} to {}",
            bounds.start(),
            bounds.end()
        ));
    }
    match text.parse::<T>() {
        Ok(number) if number < *bounds.start() => Err(format!("is below {}", bounds.start())),
        Ok(number) if number <= *bounds.end() => Ok(number),
        // Digits alone that do not fit the type are too large.
        _ => Err(format!("is above {}", bounds.end())),
    }
}

/// A number of bytes within bounds: `1048576`, `1024KiB`, `1MiB`.
pub(in crate::config) fn size(text: &str, bounds: RangeInclusive<usize>) -> Parsed<usize> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(not_a_size()),
    };
    if number.is_empty() {
        return Err(not_a_size());
    }
    let bytes = number.parse::<usize>().ok();
    match bytes.and_then(|number| number.checked_mul(scale)) {
        Some(bytes) if bytes < *bounds.start() => {
            Err(format!("is below {}", shown_size(*bounds.start())))
        }
        Some(bytes) if bytes <= *bounds.end() => Ok(bytes),
        _ => Err(format!("is above {}", shown_size(*bounds.end()))),
    }
}

fn not_a_size() -> String {
    "is not a size; write a number of bytes, or like `64KiB` or `1MiB`".to_owned()
}

/// Shows a size as [`size`] reads it.
pub(in crate::config) fn shown_size(bytes: usize) -> String {
    for (unit, scale) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if bytes >= scale && bytes.is_multiple_of(scale) {
            return format!("{}{unit}", bytes / scale);
        }
    }
    bytes.to_string()
}

/// A length of time within bounds.
pub(in crate::config) fn duration(
    text: &str,
    bounds: RangeInclusive<Duration>,
) -> Parsed<Duration> {
    let length = parse_duration(text).map_err(|err| format!("is {err}"))?;
    if length < *bounds.start() {
        Err(format!("is shorter than {}", written(*bounds.start())))
    } else if length > *bounds.end() {
        Err(format!("is longer than {}", written(*bounds.end())))
    } else {
        Ok(length)
    }
}

/// One of a few words.
pub(in crate::config) fn choice<T: Copy>(text: &str, choices: &[(&str, T)]) -> Parsed<T> {
    if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
        return Ok(*value);
    }
    let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
    let mut what = format!("is none of {}", words.join(", "));
    if let Some(word) = near::word(text, &words) {
        what.push_str(&format!("; did you mean `{word}`?"));
    }
    Err(what)
}

/// A path. It need not be there yet.
pub(in crate::config) fn path(text: &str) -> Parsed<PathBuf> {
    no_control(text)?;
    Ok(PathBuf::from(text))
}

/// A name as queues have them.
pub(in crate::config) fn name(text: &str) -> Parsed<String> {
    if is_name(text) {
        Ok(text.to_owned())
    } else {
        Err(not_a_name())
    }
}

fn not_a_name() -> String {
    "is not a name: 1 to 64 of a-z A-Z 0-9 _ . -, a letter or digit first".to_owned()
}

/// A node's name: like other names, and it may be `host:port`.
pub(in crate::config) fn node(text: &str) -> Parsed<String> {
    const NODE_NAME_MAX: usize = 128;
    let mut bytes = text.bytes();
    let fits = text.len() <= NODE_NAME_MAX
        && bytes.next().is_some_and(|b| b.is_ascii_alphanumeric())
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b':'));
    if fits {
        Ok(text.to_owned())
    } else {
        Err(
            "is not a node's name: 1 to 128 of a-z A-Z 0-9 _ . - :, a letter or digit first"
                .to_owned(),
        )
    }
}

/// Where the API listens.
pub(in crate::config) fn api_addr(text: &str) -> Parsed<SocketAddr> {
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    let addr: SocketAddr = numeric.parse().map_err(|_| {
        "is not an address and a port; write it like `127.0.0.1:8080` or `[::1]:8080`".to_owned()
    })?;
    // Whoever can connect may submit jobs, and there is no setting yet for tokens that would tell who may.
    if !addr.ip().to_canonical().is_loopback() {
        return Err(
            "is not a loopback address, and no access tokens can be set yet, so everybody who \
             reaches it could submit jobs; write an address like `127.0.0.1:8080`, and put a proxy \
             that knows its users in front of it"
                .to_owned(),
        );
    }
    Ok(addr)
}

/// `critical:6,default:3,low:1` by weight, `critical,default,low` in strict order.
pub(in crate::config) fn queues(text: &str) -> Parsed<Queues> {
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    if parts.len() > QUEUES_MAX {
        return Err(format!("names more than {QUEUES_MAX} queues"));
    }
    let weighted = parts.iter().filter(|part| part.contains(':')).count();
    if weighted != 0 && weighted != parts.len() {
        return Err(
            "gives some queues a weight and others none; give every one a weight \
             (`critical:6,default:3`) or none (`critical,default`: strict order)"
                .to_owned(),
        );
    }
    let mut list: Vec<QueueWeight> = Vec::with_capacity(parts.len());
    for part in parts {
        let (queue, weight) = match part.split_once(':') {
            Some((queue, weight)) => (
                queue,
                number(weight, 1..=WEIGHT_MAX)
                    .map_err(|err| format!("gives `{}` a weight that {err}", shown(queue)))?,
            ),
            None => (part, 1),
        };
        let queue = queue_name(queue)?;
        if list.iter().any(|other| other.queue == queue) {
            return Err(format!("names `{queue}` twice"));
        }
        list.push(QueueWeight { queue, weight });
    }
    let strict = weighted == 0 && list.len() > 1;
    Ok(Queues { list, strict })
}

/// Shows queues as [`queues`] reads them.
pub(in crate::config) fn shown_queues(queues: &Queues) -> String {
    let plain = queues.strict || matches!(queues.list.as_slice(), [only] if only.weight == 1);
    let parts: Vec<String> = queues
        .list
        .iter()
        .map(|entry| {
            if plain {
                entry.queue.clone()
            } else {
                format!("{}:{}", entry.queue, entry.weight)
            }
        })
        .collect();
    parts.join(",")
}

/// `image=2,email=10`.
pub(in crate::config) fn limits(text: &str) -> Parsed<BTreeMap<String, u32>> {
    let mut limits = BTreeMap::new();
    if text.is_empty() {
        return Ok(limits);
    }
    for part in text.split(',').map(str::trim) {
        let Some((queue, limit)) = part.split_once('=') else {
            return Err(format!(
                "has `{}` where QUEUE=NUMBER should stand; write it like `image=2,email=10`",
                shown(part)
            ));
        };
        let queue = queue_name(queue)?;
        let limit = number(limit, 1..=LIMIT_MAX)
            .map_err(|err| format!("gives `{queue}` a limit that {err}"))?;
        if limits.insert(queue.clone(), limit).is_some() {
            return Err(format!("limits `{queue}` twice"));
        }
    }
    Ok(limits)
}

/// Shows limits as [`limits`] reads them.
pub(in crate::config) fn shown_limits(limits: &BTreeMap<String, u32>) -> String {
    let parts: Vec<String> = limits
        .iter()
        .map(|(queue, limit)| format!("{queue}={limit}"))
        .collect();
    parts.join(",")
}

fn queue_name(text: &str) -> Parsed<String> {
    name(text).map_err(|_| {
        let not = not_a_name();
        format!("names the queue `{}`, which {not}", shown(text))
    })
}

/// A part of a text that is not secret, for the middle of a message.
fn shown(text: &str) -> String {
    crate::config::problem::quoted(text)
        .trim_matches('`')
        .to_owned()
}

pub(in crate::config) fn no_control(text: &str) -> Parsed<()> {
    if text.chars().any(char::is_control) {
        return Err(
            "holds a control character (a line break, perhaps); write it in one line".to_owned(),
        );
    }
    Ok(())
}

/// Shows a path as [`path`] reads it.
pub(in crate::config) fn shown_path(path: &std::path::Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests;
