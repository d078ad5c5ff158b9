//! Reads rules and executed examples out of spec.md. Takes its text, gives rule names and
//! programs with what they print, never runs one.

use std::collections::BTreeMap;

/// A rule and the line it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub name: String,
    pub line: usize,
}

/// A program in spec.md and what it must print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The rule it stands under and its number there: `lang.call.keyword-1`.
    pub name: String,
    /// The line of its opening fence.
    pub line: usize,
    pub source: String,
    pub stdout: String,
    /// The last line on stderr, where the program ends in an uncaught exception.
    pub error: Option<String>,
}

/// All that is checked of spec.md.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    pub rules: Vec<Rule>,
    pub examples: Vec<Example>,
    /// What is wrong with the text itself, each with its line.
    pub problems: Vec<String>,
}

struct Block {
    language: String,
    text: String,
    line: usize,
    /// Nothing but blank lines stands between this block and the one before.
    follows_block: bool,
}

/// Reads the text of spec.md; see CONTRIBUTING.md for the notation.
pub fn parse(text: &str) -> Spec {
    let mut spec = Spec::default();
    let mut count_by_rule: BTreeMap<String, usize> = BTreeMap::new();
    let mut open: Option<Block> = None;
    let mut follows_block = false;
    let mut first_line_by_rule: BTreeMap<String, usize> = BTreeMap::new();
    // The example that a `text` or `error` block would belong to.
    let mut expects_output = false;

    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        if let Some(block) = &mut open {
            if line.trim_end() != "```" {
                block.text.push_str(line);
                block.text.push('\n');
                continue;
            }
            let block = open.take().expect("it was matched above");
            let last = spec.examples.last_mut();
            match block.language.as_str() {
                "python" => {
                    if expects_output {
                        let line = last.map_or(0, |example| example.line);
                        spec.problems
                            .push(format!("line {line}: example without its output"));
                    }
                    let rule = spec.rules.last().map_or("introduction", |rule| &rule.name);
                    let count = count_by_rule.entry(rule.to_owned()).or_default();
                    *count += 1;
                    spec.examples.push(Example {
                        name: format!("{rule}-{count}"),
                        line: block.line,
                        source: block.text,
                        stdout: String::new(),
                        error: None,
                    });
                    expects_output = true;
                }
                "text" if block.follows_block && expects_output => {
                    if let Some(example) = last {
                        example.stdout = block.text;
                    }
                    expects_output = false;
                }
                "error" => match last {
                    Some(example) if block.follows_block && example.error.is_none() => {
                        example.error = Some(block.text.trim_end().to_owned());
                        expects_output = false;
                    }
                    _ => spec.problems.push(format!(
                        "line {}: an error block belongs right after an example",
                        block.line
                    )),
                },
                _ => {}
            }
            follows_block = true;
            continue;
        }
        if let Some(language) = line.strip_prefix("```") {
            open = Some(Block {
                language: language.trim().to_owned(),
                text: String::new(),
                line: line_number,
                follows_block,
            });
            continue;
        }
        if line.trim().is_empty() {
            continue;
        }
        follows_block = false;
        if expects_output {
            let line = spec.examples.last().map_or(0, |example| example.line);
            spec.problems
                .push(format!("line {line}: example without its output"));
            expects_output = false;
        }
        if let Some(name) = rule_name(line) {
            if let Some(first) = first_line_by_rule.insert(name.to_owned(), line_number) {
                spec.problems.push(format!(
                    "line {line_number}: rule {name} stands on line {first} too"
                ));
            }
            spec.rules.push(Rule {
                name: name.to_owned(),
                line: line_number,
            });
        }
    }
    if let Some(block) = open {
        spec.problems
            .push(format!("line {}: block is never closed", block.line));
    }
    if expects_output {
        let line = spec.examples.last().map_or(0, |example| example.line);
        spec.problems
            .push(format!("line {line}: example without its output"));
    }
    spec
}

fn rule_name(line: &str) -> Option<&str> {
    let (name, _) = line.strip_prefix("**[")?.split_once("]**")?;
    let valid = name.contains('.')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '_');
    valid.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_and_examples_are_found() {
        let spec = parse(
            "# T\n**[a.b]** Rule.\n\n```python\nprint(1)\n```\n\n```text\n1\n```\n```error\nE: x\n```\n\
             ```async\nnot run\n```\n**[c.d]** Other.\n```python\n1/0\n```\n```error\nE: y\n```\n",
        );
        assert_eq!(spec.problems, [] as [String; 0]);
        let names: Vec<_> = spec.rules.iter().map(|rule| rule.name.as_str()).collect();
        assert_eq!(names, ["a.b", "c.d"]);
        assert_eq!(spec.examples.len(), 2);
        assert_eq!(spec.examples[0].name, "a.b-1");
        assert_eq!(spec.examples[0].source, "print(1)\n");
        assert_eq!(spec.examples[0].stdout, "1\n");
        assert_eq!(spec.examples[0].error.as_deref(), Some("E: x"));
        assert_eq!(spec.examples[1].name, "c.d-1");
        assert_eq!(spec.examples[1].stdout, "");
    }

    #[test]
    fn mistakes_are_reported() {
        let problems = |text: &str| parse(text).problems.len();
        assert_eq!(problems("```python\nprint(1)\n```\n"), 1);
        assert_eq!(
            problems("```python\nprint(1)\n```\nprose\n```text\n1\n```\n"),
            1
        );
        assert_eq!(problems("```error\nE\n```\n"), 1);
        assert_eq!(problems("```python\nprint(1)\n"), 1);
        assert_eq!(problems("**[a.b]** x\n\n**[a.b]** y\n"), 1);
    }
}
