//! Listings of the shapes that matter, and CPython's library as a corpus.

use std::sync::Arc;

use super::{CompileOptions, compile_source};
use crate::bytecode::Code;
use crate::bytecode::dis::listing;
use crate::bytecode::verify::verify;
use crate::source::Source;

fn compile_with(text: &str, options: CompileOptions) -> Result<Arc<Code>, Vec<String>> {
    let source = Arc::new(Source::new("test", text));
    let code = compile_source(source, options).map_err(|diagnostics| {
        let messages = diagnostics.into_iter().map(|diagnostic| diagnostic.message);
        messages.collect::<Vec<_>>()
    })?;
    if let Err(fault) = verify(&code) {
        panic!("{fault}\n{}", listing(&code));
    }
    Ok(code)
}

#[test]
fn show() {
    let Ok(path) = std::env::var("SHOW") else {
        return;
    };
    let text = std::fs::read_to_string(path).unwrap();
    match compile_with(
        &text,
        CompileOptions {
            top_level_await: true,
            ..Default::default()
        },
    ) {
        Ok(code) => println!("{}", listing(&code)),
        Err(errors) => println!("{errors:#?}"),
    }
}
