//! The files of jobs: every path that a job names is opened beneath FILEROOT, and nowhere else.
//!
//! ```text
//!   path ──check (door)──▶ ──open──▶ File
//!                          ──create──▶ NewFile ──write──▶ a file without a name ──commit──▶ target
//! ```
//!
//! The check at the door reads the path only; what keeps a job inside is how files are opened: the kernel (or `cap-std`,
//! step by step) resolves the path beneath the open folder and refuses whatever leads out of it, so a link that is
//! swapped in between check and open gains nothing.
//!
//! # What a failure means
//!
//! A path that is wrong in itself (missing, a folder, leading outside) fails for good. Trouble with the disk, with
//! permissions, or with FILEROOT itself is somebody's to mend, so the attempt is tried again.

mod new_file;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};

use super::Failure;
use crate::config::Config;
use crate::job::fit;
pub use new_file::NewFile;

/// Longest path; more, the system does not take.
const PATH_BYTES_MAX: usize = 4096;

/// The folder beneath which jobs may read and write files; a daemon may have none.
#[derive(Debug, Clone)]
pub struct FileRoot(Option<PathBuf>);

impl FileRoot {
    /// The folder that `config.file_root` names. It is opened anew for each file, so it may be mounted later.
    ///
    /// # Errors
    ///
    /// FILEROOT is relative and the working directory, beneath which it would lie, is gone.
    pub fn new(config: &Config) -> Result<Self, String> {
        let root = config.file_root.as_deref().map(std::path::absolute);
        root.transpose()
            .map(Self)
            .map_err(|err| format!("FILEROOT: write an absolute path: {err}"))
    }

    /// Looks over a path at the door; nothing is opened. For [`super::Handler::check`].
    ///
    /// # Errors
    ///
    /// What is wrong with the path, in words for the one who submits it.
    pub fn check(&self, path: &str) -> Result<(), String> {
        match &self.0 {
            Some(root) => beneath(root, path).map(drop),
            None => Err(NO_ROOT.to_owned()),
        }
    }

    /// Whether files can be used at all, for a job that needs them; asked when it runs.
    ///
    /// # Errors
    ///
    /// Retry: FILEROOT is not set here. The job was taken in elsewhere, and another daemon may have it.
    pub fn needed(&self) -> Result<(), Failure> {
        match self.0 {
            Some(_) => Ok(()),
            None => Err(Failure::retry(NO_ROOT)),
        }
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    ///
    /// Permanent: there is no such file, it is not a regular one, or the path leads outside of FILEROOT. Retry: the file or
    /// FILEROOT cannot be read at present, or FILEROOT is not set here (another daemon may have it).
    pub fn open(&self, path: &str) -> Result<File, Failure> {
        let (root, relative) = self.resolve(path)?;
        let mut options = OpenOptions::new();
        // A pipe without a writer would hold the open, and the worker, for ever.
        options
            .read(true)
            .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
        let file = root
            .open_with(&relative, &options)
            .map_err(|err| trouble("read", path, &err))?
            .into_std();
        let metadata = file.metadata().map_err(|err| trouble("read", path, &err))?;
        if metadata.is_file() {
            Ok(file)
        } else {
            Err(Failure::permanent(format!(
                "{} cannot be read: it is not a regular file",
                quoted(path)
            )))
        }
    }

    /// Reads a whole file into memory.
    ///
    /// # Errors
    ///
    /// As [`FileRoot::open`]; permanent, too, if the file has more than `bytes_max` bytes.
    pub fn read(&self, path: &str, bytes_max: usize) -> Result<Vec<u8>, Failure> {
        let file = self.open(path)?;
        let failed = |err: io::Error| trouble("read", path, &err);
        let size = usize::try_from(file.metadata().map_err(failed)?.len()).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        if size <= bytes_max {
            bytes.reserve(size);
            // It may grow while it is read; one byte too many shows that.
            let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
            let mut file = file.take(limit.saturating_add(1));
            file.read_to_end(&mut bytes).map_err(failed)?;
        }
        if size.max(bytes.len()) > bytes_max {
            return Err(Failure::permanent(format!(
                "{} has {} bytes, and at most {bytes_max} can be taken in",
                quoted(path),
                size.max(bytes.len())
            )));
        }
        Ok(bytes)
    }

    /// Begins a file that appears under `path` when [`NewFile::commit`] is called, in place of one that was there; folders
    /// that are missing on the way are made.
    ///
    /// # Errors
    ///
    /// Permanent: the path leads outside of FILEROOT or through something that is no folder. Retry: no file can be made
    /// there at present, or FILEROOT is not set here (another daemon may have it).
    pub fn create(&self, path: &str) -> Result<NewFile, Failure> {
        let (root, relative) = self.resolve(path)?;
        NewFile::begin(&root, &relative, path)
    }

    fn resolve(&self, path: &str) -> Result<(Dir, PathBuf), Failure> {
        let Some(root) = &self.0 else {
            return Err(Failure::retry(format!("{}: {NO_ROOT}", quoted(path))));
        };
        let relative = beneath(root, path)
            .map_err(|err| Failure::permanent(format!("{}: {err}", quoted(path))))?;
        let dir = Dir::open_ambient_dir(root, ambient_authority()).map_err(|err| {
            Failure::retry(format!(
                "the folder of FILEROOT, `{}`, cannot be opened: {err}",
                root.display()
            ))
        })?;
        Ok((dir, relative))
    }
}

/// What an error means for the job that could not do `action` (`"read"`, `"written"`) with the file `path`.
#[must_use]
pub fn trouble(action: &str, path: &str, err: &io::Error) -> Failure {
    use io::ErrorKind as Kind;
    let path = quoted(path);
    // An attempt to leave the folder is refused by `cap-std` itself, without an error of the system.
    let outside = err.kind() == Kind::PermissionDenied && err.raw_os_error().is_none();
    if outside {
        return Failure::permanent(format!(
            "{path} cannot be {action}: it leads outside of FILEROOT, by a link"
        ));
    }
    let reason = match err.kind() {
        Kind::NotFound => "there is no such file",
        Kind::NotADirectory => "a part of its path is no folder",
        Kind::IsADirectory | Kind::DirectoryNotEmpty => "it is a folder",
        Kind::InvalidFilename => "its name is too long",
        _ if err.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            "its links go round in a circle"
        }
        _ => {
            return Failure::retry(format!("{path} cannot be {action}: {err}"));
        }
    };
    Failure::permanent(format!("{path} cannot be {action}: {reason}"))
}

/// The path in an error, which has room for more than the path.
fn quoted(path: &str) -> String {
    format!("`{}`", fit(path, 512))
}

/// The path as it is from `root` on.
fn beneath(root: &Path, path: &str) -> Result<PathBuf, String> {
    if path.is_empty() {
        return Err("must not be empty: a path beneath FILEROOT is expected".to_owned());
    }
    if path.len() > PATH_BYTES_MAX {
        return Err(format!("must have at most {PATH_BYTES_MAX} bytes"));
    }
    if path.contains('\0') {
        return Err("must not hold U+0000".to_owned());
    }
    let written = Path::new(path);
    let relative = if written.is_absolute() {
        written.strip_prefix(root).map_err(|_| {
            format!(
                "lies outside of FILEROOT: write it relative to that folder, or beginning with `{}`",
                root.display()
            )
        })?
    } else {
        written
    };
    let parts: Vec<_> = relative.components().collect();
    if parts.contains(&Component::ParentDir) {
        return Err("must not hold `..`: paths stay beneath FILEROOT".to_owned());
    }
    let folder = path.ends_with('/') || path.ends_with("/.");
    match parts.last() {
        Some(Component::Normal(_)) if !folder => Ok(relative.to_path_buf()),
        _ => Err("is a folder: the path of a file is expected".to_owned()),
    }
}

const NO_ROOT: &str = "this daemon cannot use files, because FILEROOT is not set: set it to the folder \
     beneath which jobs may read and write";
