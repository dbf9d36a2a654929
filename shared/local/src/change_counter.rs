//! How one process tells others on the same data that something has changed: a file that grows by a
//! byte with each change. Reading its length is one `stat`, so a server can check it at every
//! request.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::private::private_file;

/// Counts the changes that other processes have announced.
#[derive(Debug)]
pub struct ChangeCounter {
    file: PathBuf,
    seen: AtomicU64,
}

impl ChangeCounter {
    /// The counter in `file`, which need not exist yet.
    pub(crate) fn new(file: PathBuf) -> Self {
        let counter = Self {
            file,
            seen: AtomicU64::new(0),
        };
        counter.seen.store(counter.length(), Ordering::Relaxed);
        counter
    }

    /// Announces a change to the other processes. Call it after the change.
    ///
    /// # Errors
    /// The error of the file system. The other processes then notice the change when their caches
    /// expire.
    pub fn announce(&self) -> io::Result<()> {
        let mut file = private_file().create(true).append(true).open(&self.file)?;
        file.write_all(b".")
    }

    /// Whether another process has announced a change since the last call.
    pub fn has_changed(&self) -> bool {
        let length = self.length();
        self.seen.swap(length, Ordering::Relaxed) != length
    }

    fn length(&self) -> u64 {
        fs::symlink_metadata(&self.file).map_or(0, |metadata| metadata.len())
    }
}
