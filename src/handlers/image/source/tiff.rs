//! TIFF pictures with a palette, which the decoder refuses: it reads them as grey ones, whose greys are looked up here.

/// The colours of a picture, by number.
#[derive(Debug)]
pub(super) struct Palette {
    colours: Vec<[u8; 3]>,
    /// By how much the decoder spreads a number so that it fills eight bits.
    spread: u8,
}

impl Palette {
    /// Takes the palette out of a file, which is then one of a grey picture. `None` for files without one.
    pub(super) fn take(bytes: &mut [u8]) -> Option<Self> {
        let file = File::new(bytes)?;
        let (photometric, _) = file.entry(PHOTOMETRIC)?;
        if file.short(photometric)? != BY_PALETTE {
            return None;
        }
        let bits = match file.entry(BITS_PER_SAMPLE) {
            Some((at, 1)) => file.short(at)?,
            _ => 1,
        };
        let spread = match bits {
            1 | 2 | 4 | 8 => u8::MAX / (u8::MAX >> (8 - bits)),
            _ => return None,
        };
        let (map, length) = file.entry(COLOUR_MAP)?;
        let (at, each) = (file.long(map)?, 1usize << bits);
        if usize::try_from(length).ok()? != 3 * each {
            return None;
        }
        // All reds, all greens, all blues, sixteen bits each.
        let sample = |channel: usize, number: usize| {
            let value = file.short(at.checked_add(2 * (channel * each + number))?)?;
            u8::try_from(value >> 8).ok()
        };
        let colours = (0..each)
            .map(|number| Some([sample(0, number)?, sample(1, number)?, sample(2, number)?]))
            .collect::<Option<_>>()?;
        let grey = if file.little { [1, 0] } else { [0, 1] };
        bytes
            .get_mut(photometric..photometric + 2)?
            .copy_from_slice(&grey);
        Some(Self { colours, spread })
    }

    /// The picture of these numbers.
    pub(super) fn paint(&self, numbers: &[u8]) -> Vec<u8> {
        let colour = |number: &u8| {
            let colour = self.colours.get(usize::from(number / self.spread));
            colour.copied().unwrap_or_default()
        };
        numbers.iter().flat_map(colour).collect()
    }
}

const BITS_PER_SAMPLE: u16 = 258;
const PHOTOMETRIC: u16 = 262;
const COLOUR_MAP: u16 = 320;

/// The photometric interpretation of pictures with a palette.
const BY_PALETTE: u16 = 3;

/// A file of the classic kind, and its first directory.
struct File<'a> {
    bytes: &'a [u8],
    little: bool,
}

impl<'a> File<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let little = match bytes.get(..4)? {
            b"II\x2a\0" => true,
            b"MM\0\x2a" => false,
            _ => return None,
        };
        Some(Self { bytes, little })
    }

    fn short(&self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.little {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    }

    fn long(&self, at: usize) -> Option<usize> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        let value = if self.little {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        };
        usize::try_from(value).ok()
    }

    /// Where the value of a tag stands, and how many there are.
    fn entry(&self, tag: u16) -> Option<(usize, u32)> {
        let directory = self.long(4)?;
        let count = usize::from(self.short(directory)?);
        let at = (0..count)
            .map(|i| directory + 2 + 12 * i)
            .find(|at| self.short(*at) == Some(tag))?;
        Some((at + 8, u32::try_from(self.long(at + 4)?).ok()?))
    }
}
