//! Writes every page in every state and language into a directory, to be looked at:
//! `cargo run -p tokensmith-pages --example gallery -- DIRECTORY [#rrggbb]`.

#[path = "../tests/samples/mod.rs"]
mod samples;

use std::env::args;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use tokensmith_pages::{Brand, Language, Look};

fn main() -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(args().nth(1).ok_or("which directory?")?);
    let colour = args().nth(2).map(|text| text.parse()).transpose()?;
    let look = Look::new(Brand {
        name: "Example Cloud".to_owned(),
        logo: None,
        colour,
    });
    for language in Language::ALL {
        let own = directory.join(language.tag());
        fs::create_dir_all(&own)?;
        for sample in samples::samples(&look, language, samples::USUAL) {
            fs::write(own.join(sample.name).with_extension("html"), &sample.html)?;
            println!("{} {} {}", language.tag(), sample.name, sample.html.len());
        }
    }
    Ok(())
}
