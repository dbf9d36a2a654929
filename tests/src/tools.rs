use std::path::{Path, PathBuf};

/// A program that `tests/run` has installed.
pub(crate) fn tool(name: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.join(".venv/bin").join(name)
}

/// The folder of the workspace.
pub(crate) fn workspace() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("tests lie in the workspace")
}

/// A program of this build.
pub fn built(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a test knows its path");
    // target/PROFILE/deps/TEST and target/PROFILE/PROGRAM both lie below target/PROFILE.
    own.ancestors()
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| {
            panic!("{name} is not built: run ./tests/run, or `cargo build --workspace` first")
        })
}
