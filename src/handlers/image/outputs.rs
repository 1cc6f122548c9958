//! One picture becomes several files, several at a time.

use std::borrow::Cow;
use std::io::Write;

use image::DynamicImage;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::check::Target;
use super::pace::Pace;
use super::payload::{Fit, ImageMade};
use super::plan::Size;
use super::profile::Profile;
use crate::handlers::Failure;
use crate::handlers::files::{FileRoot, NewFile};

/// A file that is whole, but not yet in its place.
pub(super) struct Written {
    file: NewFile,
    made: ImageMade,
}

impl Written {
    /// Puts the file in its place.
    ///
    /// # Errors
    ///
    /// As [`NewFile::commit`].
    pub(super) fn commit(self) -> Result<ImageMade, Failure> {
        let Self { file, mut made } = self;
        made.bytes = file.commit()?;
        Ok(made)
    }
}

/// Makes the outputs, in the threads of the pool in which this is called.
///
/// # Errors
///
/// Of any output that cannot be made; none of the files is in its place then, nor ever will be.
pub(super) fn make(
    image: &DynamicImage,
    profile: Option<&Profile>,
    targets: &[Target],
    sizes: &[Size],
    files: &FileRoot,
    pace: &Pace,
) -> Result<Vec<Written>, Failure> {
    let each = targets.par_iter().zip(sizes).with_max_len(1);
    each.map(|(target, size)| {
        pace.go_on()?;
        let failed =
            |err| Failure::permanent(format!("output `{}` cannot be made: {err}", target.path));
        let resized = resize(image, *size, target.fit).map_err(failed)?;
        pace.go_on()?;
        let bytes = super::encode::encode(resized, target.format, target.quality, profile)
            .map_err(failed)?;
        pace.go_on()?;
        let mut file = files.create(&target.path)?;
        file.write_all(&bytes).map_err(|err| file.trouble(&err))?;
        pace.step("output")?;
        let sha256 = Sha256::digest(&bytes);
        Ok(Written {
            file,
            made: ImageMade {
                path: target.path.clone(),
                format: target.format,
                width: size.width,
                height: size.height,
                bytes: 0,
                sha256: sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
            },
        })
    })
    .collect()
}

/// The picture in a size; with [`Fit::Cover`], what does not fit its proportions is cut off evenly.
fn resize(image: &DynamicImage, size: Size, fit: Fit) -> Result<Cow<'_, DynamicImage>, String> {
    if size == Size::new(image.width(), image.height()) {
        return Ok(Cow::Borrowed(image));
    }
    let (width, height) = (size.width, size.height);
    windlass_pictures::resize(image, (width, height), fit == Fit::Cover).map(Cow::Owned)
}
