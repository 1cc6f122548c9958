//! A file that is written in its target's folder, and takes the target's place when it is whole.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::path::Path;

use cap_std::fs::{Dir, OpenOptions};
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

use super::{Failure, trouble};

/// A file that is being written. Dropped before [`NewFile::commit`], it leaves nothing behind, and what was under its path
/// is as it was.
#[derive(Debug)]
pub struct NewFile {
    file: File,
    /// The path as the job names it, for errors.
    path: String,
    folder: Dir,
    name: OsString,
    /// The name beside the target that is to be removed, if the file has one at present.
    temporary: Option<String>,
}

impl NewFile {
    /// Begins the file that will be `relative` beneath `root`; `path` is what the job calls it.
    pub(super) fn begin(root: &Dir, relative: &Path, path: &str) -> Result<Self, Failure> {
        let written = |err: io::Error| trouble("written", path, &err);
        let folder = folder(root, relative.parent().unwrap_or(Path::new(""))).map_err(written)?;
        let name = relative.file_name().unwrap_or_default().to_owned();
        let is_folder = folder
            .symlink_metadata(&name)
            .is_ok_and(|found| found.is_dir());
        if is_folder {
            return Err(trouble(
                "written",
                path,
                &io::ErrorKind::IsADirectory.into(),
            ));
        }
        let (file, temporary) = open(&folder).map_err(written)?;
        Ok(Self {
            file,
            path: path.to_owned(),
            folder,
            name,
            temporary,
        })
    }

    /// Puts the file in its place, whole and on disk: a crash of the machine after this finds it there. Returns its bytes.
    ///
    /// # Errors
    ///
    /// As [`super::FileRoot::create`]; what was under the path is as it was.
    pub fn commit(mut self) -> Result<u64, Failure> {
        self.settle()
            .map_err(|err| trouble("written", &self.path, &err))
    }

    /// What an error of writing to this file means for the job.
    #[must_use]
    pub fn trouble(&self, err: &io::Error) -> Failure {
        trouble("written", &self.path, err)
    }

    /// Gives the file its temporary name early.
    #[cfg(test)]
    pub(super) fn name_now(&mut self) {
        if self.temporary.is_none() {
            self.temporary = Some(give_name(&self.file, &self.folder).expect("a name"));
        }
    }

    fn settle(&mut self) -> io::Result<u64> {
        self.file.sync_all()?;
        let bytes = self.file.metadata()?.len();
        let temporary = match &self.temporary {
            Some(temporary) => temporary,
            None => self.temporary.insert(give_name(&self.file, &self.folder)?),
        };
        self.folder.rename(temporary, &self.folder, &self.name)?;
        self.temporary = None;
        sync(&self.folder)?;
        Ok(bytes)
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for NewFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        let Some(temporary) = &self.temporary else {
            return;
        };
        if let Err(err) = self.folder.remove_file(temporary) {
            log::warn!(
                "the temporary file `{temporary}` beside `{}` cannot be removed: {err}",
                self.path
            );
        }
    }
}

/// Opens a new file in a folder: one without a name, where the file system can do that, so that a process which is killed
/// leaves nothing behind; else one with a name of its own.
fn open(folder: &Dir) -> io::Result<(File, Option<String>)> {
    // Without /proc, the file could not be given a name later.
    if Path::new(OPEN_FILES).exists() {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        match rustix::fs::openat(folder, ".", flags, Mode::from_raw_mode(0o666)) {
            Ok(file) => return Ok((file.into(), None)),
            // The file system, or the kernel, does not know how.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT) => {}
            Err(err) => return Err(err.into()),
        }
    }
    let temporary = temporary_name();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    let file = folder.open_with(&temporary, &options)?.into_std();
    Ok((file, Some(temporary)))
}

/// Gives a file without a name a temporary one: only a file with a name can take the place of another.
fn give_name(file: &File, folder: &Dir) -> io::Result<String> {
    let temporary = temporary_name();
    let from = format!("{OPEN_FILES}/{}", file.as_raw_fd());
    rustix::fs::linkat(CWD, from, folder, &temporary, AtFlags::SYMLINK_FOLLOW)?;
    Ok(temporary)
}

/// Not made from the target's name, which may be as long as a name can be; drawn, since two jobs may write one target.
fn temporary_name() -> String {
    format!(".windlass-{:016x}.tmp", fastrand::u64(..))
}

/// Where the process sees its open files.
const OPEN_FILES: &str = "/proc/self/fd";

/// Opens the folder `relative` beneath `root`, which is made if it is missing.
fn folder(root: &Dir, relative: &Path) -> io::Result<Dir> {
    if relative.as_os_str().is_empty() {
        return root.try_clone();
    }
    match root.open_dir(relative) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    root.create_dir_all(relative)?;
    // A folder that is not on disk takes its files with it when the machine goes down.
    for above in relative.ancestors().skip(1) {
        match above.as_os_str().is_empty() {
            true => sync(root)?,
            false => sync(&root.open_dir(above)?)?,
        }
    }
    root.open_dir(relative)
}

/// Brings the names in a folder to disk.
fn sync(folder: &Dir) -> io::Result<()> {
    match folder.open(".")?.sync_all() {
        // Some network file systems have nothing to sync in a folder, and say so.
        Err(err) if err.kind() == io::ErrorKind::InvalidInput => Ok(()),
        done => done,
    }
}
