//! A data directory is its owner's alone: whoever reads the files in it can issue tokens, and
//! whoever plants one decides with which key.

use std::fmt;
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::process::geteuid;

/// Why a directory or a file in it is not used, and what mends it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotPrivate {
    path: PathBuf,
    fault: Fault,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Fault {
    /// It is not the directory or regular file that it should be.
    Kind(&'static str),
    /// It belongs to this user, and not to the one who runs this process.
    Owner(u32),
    /// Its mode lets others in; it should have this one.
    Mode { is: u32, should_be: u32 },
}

impl fmt::Display for NotPrivate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.fault {
            Fault::Kind(kind) => write!(
                f,
                "{path} is not a {kind}, and no link is followed: put the {kind} itself there"
            ),
            Fault::Owner(owner) => write!(
                f,
                "{path} belongs to user {owner}, who may have written it: if you trust what is \
                 in it, run `chown {} {path}`",
                geteuid().as_raw()
            ),
            Fault::Mode { is, should_be } => write!(
                f,
                "{path} is open to other users (mode {is:04o}): if nobody else has written it, run \
                 `chmod {should_be:o} {path}`"
            ),
        }
    }
}

/// What is wrong with the directory; it may be reached through a link, which its user has named.
pub(crate) fn directory_fault(dir: &Path) -> io::Result<Option<NotPrivate>> {
    let metadata = fs::metadata(dir)?;
    let fault = match metadata.is_dir() {
        true => access_fault(&metadata, DIRECTORY_MODE),
        false => Some(Fault::Kind("directory")),
    };
    Ok(fault.map(|fault| NotPrivate {
        path: dir.to_owned(),
        fault,
    }))
}

/// What is wrong with the file, if it is there.
pub(crate) fn file_fault(file: &Path) -> io::Result<Option<NotPrivate>> {
    let metadata = match fs::symlink_metadata(file) {
        Err(err) if err.kind() == ErrorKind::NotFound => return Ok(None),
        metadata => metadata?,
    };
    let fault = match metadata.is_file() {
        true => access_fault(&metadata, FILE_MODE),
        false => Some(Fault::Kind("regular file")),
    };
    Ok(fault.map(|fault| NotPrivate {
        path: file.to_owned(),
        fault,
    }))
}

fn access_fault(metadata: &Metadata, should_be: u32) -> Option<Fault> {
    if metadata.uid() != geteuid().as_raw() {
        return Some(Fault::Owner(metadata.uid()));
    }
    let is = metadata.mode() & 0o7777;
    (is & 0o077 != 0).then_some(Fault::Mode { is, should_be })
}

/// How a file in the directory is opened: one that is made is its owner's alone, and no link is
/// followed.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .mode(FILE_MODE)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

/// The mode of the directory.
pub(crate) const DIRECTORY_MODE: u32 = 0o700;
/// The mode of every file in it.
const FILE_MODE: u32 = 0o600;
