//! Compiles the library's own modules when Lockstep is built: each
//! `py/NAME.async` becomes `OUT_DIR/NAME.async.image`, verified once, here.
//! Fails the build at the first module that does not compile.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};

use lockstep_lang::bytecode::{image, verify};
use lockstep_lang::compile::{CompileOptions, Compiled, compile_source};
use lockstep_lang::diagnostic::Diagnostic;
use lockstep_lang::source::Source;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=py");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let root = Path::new("py");
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        fs::create_dir_all(out.join(folder.strip_prefix(root)?))?;
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "async") {
                let name = path.strip_prefix(root)?.display();
                fs::write(out.join(format!("{name}.image")), compiled(&path)?)?;
            }
        }
    }
    Ok(())
}

/// The image of one module.
fn compiled(path: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let source = Arc::new(Source::new(
        path.display().to_string(),
        fs::read_to_string(path)?,
    ));
    let fault = |found: &[Diagnostic]| {
        let first = found.first();
        let line = first.map_or(0, |d| source.line(d.span.start));
        let message = first.map_or_else(String::new, |d| d.message.to_string());
        format!("{}:{line}: {message}", path.display())
    };
    let Compiled { code, warnings } =
        compile_source(source.clone(), CompileOptions::default()).map_err(|found| fault(&found))?;
    if !warnings.is_empty() {
        return Err(fault(&warnings).into());
    }
    verify::verify(&code)?;
    let image = image::encode(&code);
    // What reads it later, a body at a time, has nobody to tell.
    image::decode(&image, &source)?;
    Ok(image)
}
