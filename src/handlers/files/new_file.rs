//! A file that is written beside its target and takes the target's place when it is whole.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use cap_std::fs::{Dir, OpenOptions};

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
    temporary: String,
    committed: bool,
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
        // Not made from the target's name, which may be as long as a name can be. Two jobs may write one target, so the
        // name is drawn.
        let temporary = format!(".windlass-{:016x}.tmp", fastrand::u64(..));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let file = folder
            .open_with(&temporary, &options)
            .map_err(written)?
            .into_std();
        Ok(Self {
            file,
            path: path.to_owned(),
            folder,
            name,
            temporary,
            committed: false,
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

    fn settle(&mut self) -> io::Result<u64> {
        self.file.sync_all()?;
        let bytes = self.file.metadata()?.len();
        self.folder
            .rename(&self.temporary, &self.folder, &self.name)?;
        self.committed = true;
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
        if self.committed {
            return;
        }
        if let Err(err) = self.folder.remove_file(&self.temporary) {
            log::warn!(
                "the temporary file `{}` beside `{}` cannot be removed: {err}",
                self.temporary,
                self.path
            );
        }
    }
}

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
