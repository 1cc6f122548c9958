//! Whether a JPEG is whole: the decoder fills what is missing with grey, and says nothing. And whether it is progressive,
//! which takes far more memory.

/// What the segments of a JPEG say of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// Whether the last scan is followed by the end-of-image marker.
    pub(super) whole: bool,
    /// Whether the picture comes in several scans, all of which are kept until the last is there.
    pub(super) progressive: bool,
}

/// Goes through the segments of a file.
pub(super) fn look(bytes: &[u8]) -> Look {
    let mut look = Look::default();
    let mut rest = bytes.get(2..).unwrap_or_default();
    let mut in_scan = false;
    while let Some((marker, after)) = next_marker(rest, in_scan) {
        match marker {
            END_OF_IMAGE => {
                look.whole = true;
                break;
            }
            // Markers without a segment; those within a scan are passed over with its data.
            0x01 | 0xd0..=0xd8 => rest = after,
            _ => {
                let Some(length) = after.first_chunk().map(|l| u16::from_be_bytes(*l)) else {
                    break;
                };
                rest = after.get(usize::from(length)..).unwrap_or_default();
                in_scan = marker == START_OF_SCAN;
                look.progressive |= marker == START_OF_PROGRESSIVE_FRAME;
            }
        }
    }
    look
}

const START_OF_PROGRESSIVE_FRAME: u8 = 0xc2;
const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// The next marker and what follows it. Within a scan the data up to it are passed over: there, `FF 00` is a byte of data
/// and `FF D0` to `FF D7` only part it.
fn next_marker(bytes: &[u8], in_scan: bool) -> Option<(u8, &[u8])> {
    let mut rest = bytes;
    loop {
        let at = rest.iter().position(|byte| *byte == 0xff)?;
        rest = rest.get(at + 1..)?;
        match rest.split_first()? {
            // Filling before a marker.
            (0xff, _) => {}
            (0x00 | 0xd0..=0xd7, after) if in_scan => rest = after,
            (0x00, after) => rest = after,
            (marker, after) => return Some((*marker, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::look;

    const HEAD: &[u8] = b"\xff\xd8\xff\xe1\x00\x06\xff\xd9ab\xff\xda\x00\x04\x01\x02";

    fn is_whole(bytes: &[u8]) -> bool {
        look(bytes).whole
    }

    fn file(rest: &[u8]) -> Vec<u8> {
        [HEAD, rest].concat()
    }

    #[test]
    fn an_end_within_a_segment_is_none() {
        assert!(!is_whole(&file(b"data")));
        assert!(is_whole(&file(b"data\xff\xd9")));
    }

    #[test]
    fn data_that_look_like_markers_are_passed_over() {
        assert!(is_whole(&file(b"\xff\x00\xd9\xff\xd0\xff\x00\xff\xff\xd9")));
        assert!(!is_whole(&file(b"\xff\x00\xd9\xff\xd0\xff\x00")));
    }

    #[test]
    fn the_end_may_follow_further_scans_and_be_followed_by_anything() {
        let second = b"\xff\xc4\x00\x03\x00\xff\xda\x00\x02data\xff\xd9trailing";
        assert!(is_whole(&file(second)));
        assert!(!is_whole(&file(&second[..second.len() - 10])));
        assert!(!is_whole(&file(b"\xff\xda")));
        assert!(!is_whole(&file(b"\xff\xda\x10\x00")));
        assert!(!is_whole(b""));
    }

    #[test]
    fn several_scans_are_seen() {
        assert!(!look(&file(b"\xff\xd9")).progressive);
        let frame = b"\xff\xd8\xff\xc2\x00\x03\x08";
        assert!(look(&[frame, &HEAD[2..]].concat()).progressive);
    }
}
