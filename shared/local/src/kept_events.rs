//! The log of `serve`, kept beside the data so that `tokensmith events` can read it. Where it goes besides, to a terminal or a
//! collector, nobody here can know.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokensmith_issuer::event::{KeepsLines, copied};

use crate::private::private_file;

/// Keeps the lines that are logged, up to a bound. Cheap to clone.
#[derive(Clone)]
pub struct KeptEvents(KeepsLines);

impl KeptEvents {
    /// Keeps them in `dir`, behind those that are there.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let files = Files::open(dir)?;
        // A line that cannot be kept must not fail the request.
        Ok(Self(Arc::new(move |line| drop(files.append(line)))))
    }

    /// Runs `work`, whose lines are kept. A task that it spawns is not part of it.
    pub async fn of<F: Future>(self, work: F) -> F::Output {
        copied(self.0, work).await
    }
}

/// The lines that are kept in `dir`, oldest first. The last may be in the middle of being written.
///
/// # Errors
/// When a file that is there cannot be read.
pub fn kept_events(dir: &Path) -> io::Result<String> {
    let mut text = String::new();
    for name in [FORMER, CURRENT] {
        match private_file().read(true).open(dir.join(name)) {
            Ok(mut file) => file.read_to_string(&mut text).map(drop)?,
            Err(err) if err.kind() == io::ErrorKind::NotFound => {}
            Err(err) => return Err(err),
        }
    }
    Ok(text)
}

#[derive(Debug)]
struct Files {
    dir: PathBuf,
    current: Mutex<(File, usize)>,
}

impl Files {
    fn open(dir: &Path) -> io::Result<Self> {
        let file = open(dir)?;
        let length = file.metadata()?.len();
        Ok(Self {
            dir: dir.to_owned(),
            current: Mutex::new((file, usize::try_from(length).unwrap_or(usize::MAX))),
        })
    }

    fn append(&self, line: &[u8]) -> io::Result<()> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.1.saturating_add(line.len()) > MOST_BYTES {
            fs::rename(self.dir.join(CURRENT), self.dir.join(FORMER))?;
            *current = (open(&self.dir)?, 0);
        }
        current.0.write_all(line)?;
        current.1 += line.len();
        Ok(())
    }
}

fn open(dir: &Path) -> io::Result<File> {
    let mut options = private_file();
    options.append(true).create(true).open(dir.join(CURRENT))
}

/// The files. They are checked like all others in the directory.
pub(crate) const CURRENT: &str = "events.jsonl";
pub(crate) const FORMER: &str = "events.1.jsonl";

/// The length of each of the two files, in bytes: some 20,000 requests.
const MOST_BYTES: usize = 8 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_are_kept_up_to_a_bound() {
        let dir = tempfile::tempdir().expect("a directory");
        let kept = Files::open(dir.path()).expect("a file");
        let line = |number: usize| format!("{number:01023}\n");
        let lines = 3 * MOST_BYTES / 1024;
        (0..lines).for_each(|number| kept.append(line(number).as_bytes()).expect("kept"));
        let text = kept_events(dir.path()).expect("the lines");
        assert!(text.len() > MOST_BYTES && text.len() <= 2 * MOST_BYTES);
        assert!(text.ends_with(&line(lines - 1)));
        // A process that starts on them goes on behind them.
        let again = Files::open(dir.path()).expect("a file");
        again.append(b"last\n").expect("kept");
        let text = kept_events(dir.path()).expect("the lines");
        assert!(text.ends_with(&format!("{}last\n", line(lines - 1))));
    }
}
