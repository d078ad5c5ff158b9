//! Makes a program smaller while it keeps a property. Takes lines and a test, gives the smallest
//! program found; never knows what the lines mean, beyond that a block is indented.

/// Tests are program runs, so that their number is what shrinking costs.
const TESTS_MAX: usize = 400;

/// Removes blocks, and unwraps headers, as long as `still_fails` holds.
pub fn shrink(text: &str, mut still_fails: impl FnMut(&str) -> bool) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut n_tests = 0;
    drop_runs(&mut lines, &mut n_tests, &mut still_fails);
    loop {
        let n_before = lines.len();
        let mut index = lines.len();
        while index > 0 {
            index -= 1;
            if index >= lines.len() {
                continue;
            }
            let end = block_end(&lines, index);
            let mut candidates = vec![[&lines[..index], &lines[end..]].concat()];
            if end > index + 1 {
                candidates.push(unwrapped(&lines, index, end));
            }
            for candidate in candidates {
                if n_tests == TESTS_MAX {
                    return joined(&lines);
                }
                n_tests += 1;
                if still_fails(&joined(&candidate)) {
                    lines = candidate;
                    break;
                }
            }
        }
        if lines.len() == n_before {
            return joined(&lines);
        }
    }
}

/// Removes runs of whole blocks, long ones first: most of a program has nothing to do with it.
fn drop_runs(
    lines: &mut Vec<String>,
    n_tests: &mut usize,
    still_fails: &mut impl FnMut(&str) -> bool,
) {
    let mut n_blocks = usize::MAX;
    loop {
        let mut starts: Vec<usize> = (0..lines.len())
            .filter(|&index| indent(&lines[index]) == 0 && !continues(&lines[index]))
            .collect();
        n_blocks = n_blocks.min(starts.len()) / 2;
        if n_blocks < 2 {
            return;
        }
        let mut end = starts.len();
        starts.push(lines.len());
        while end > 0 && *n_tests < TESTS_MAX {
            let start = end.saturating_sub(n_blocks);
            let rest = [&lines[..starts[start]], &lines[starts[end]..]].concat();
            *n_tests += 1;
            if still_fails(&joined(&rest)) {
                *lines = rest;
                starts.truncate(start + 1);
                starts[start] = lines.len().min(starts[start]);
            }
            end = start;
        }
    }
}

/// Whether a line goes on with the statement before it.
fn continues(line: &str) -> bool {
    ["except", "else", "elif", "finally", "@"]
        .iter()
        .any(|word| line.starts_with(word))
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The line after the block that the line at `index` opens.
fn block_end(lines: &[String], index: usize) -> usize {
    let own = indent(&lines[index]);
    let inside = lines[index + 1..]
        .iter()
        .take_while(|line| line.trim().is_empty() || indent(line) > own);
    index + 1 + inside.count()
}

/// The program with a block's body in the place of the block.
fn unwrapped(lines: &[String], index: usize, end: usize) -> Vec<String> {
    let body = lines[index + 1..end]
        .iter()
        .map(|line| line.get(4..).unwrap_or("").to_owned());
    lines[..index]
        .iter()
        .cloned()
        .chain(body)
        .chain(lines[end..].iter().cloned())
        .collect()
}

fn joined(lines: &[String]) -> String {
    lines.join("\n") + "\n"
}
