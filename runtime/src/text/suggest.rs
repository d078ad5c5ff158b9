//! "Did you mean": the closest of some names, by the rules that CPython 3.13's
//! suggestions.c uses. Takes texts, gives one of them or nothing.

const MOVE: usize = 2;
const CASE: usize = 1;
const LENGTH_MAX: usize = 40;
const CANDIDATES_MAX: usize = 750;

/// The candidate nearest to `name`, if it is near enough to be meant.
pub fn closest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut best: Option<(&str, usize)> = None;
    for (i, candidate) in candidates.enumerate() {
        if i >= CANDIDATES_MAX {
            return None;
        }
        if candidate == name {
            continue;
        }
        let mut limit = (name.len() + candidate.len() + 3) * MOVE / 6;
        if let Some((_, distance)) = best {
            limit = limit.min(distance.saturating_sub(1));
        }
        if let Some(distance) = distance(name.as_bytes(), candidate.as_bytes(), limit) {
            best = Some((candidate, distance));
        }
    }
    best.map(|(candidate, _)| candidate)
}

/// What a message about a keyword argument that isn't there ends in.
pub fn keyword_hint(name: &str, candidates: &[&str]) -> String {
    closest(name, candidates.iter().copied())
        .map_or(String::new(), |hint| format!(". Did you mean '{hint}'?"))
}

/// Edit distance: 2 for a change, insertion or deletion, 1 for a change of
/// case; None above `limit`.
fn distance(mut a: &[u8], mut b: &[u8], limit: usize) -> Option<usize> {
    while let (Some(x), Some(y)) = (a.first(), b.first()) {
        if x != y {
            break;
        }
        (a, b) = (&a[1..], &b[1..]);
    }
    while let (Some(x), Some(y)) = (a.last(), b.last()) {
        if x != y {
            break;
        }
        (a, b) = (&a[..a.len() - 1], &b[..b.len() - 1]);
    }
    if a.is_empty() || b.is_empty() {
        let cost = (a.len() + b.len()) * MOVE;
        return (cost <= limit).then_some(cost);
    }
    if a.len() > LENGTH_MAX || b.len() > LENGTH_MAX || a.len().abs_diff(b.len()) * MOVE > limit {
        return None;
    }
    let mut row: Vec<usize> = (1..=a.len()).map(|i| i * MOVE).collect();
    let mut last = 0;
    for (j, &y) in b.iter().enumerate() {
        let mut diagonal = j * MOVE;
        let mut left = diagonal + MOVE;
        for (i, &x) in a.iter().enumerate() {
            let change = if x == y {
                0
            } else if x.eq_ignore_ascii_case(&y) {
                CASE
            } else {
                MOVE
            };
            let value = (diagonal + change).min(left.min(row[i]) + MOVE);
            diagonal = row[i];
            row[i] = value;
            left = value;
        }
        last = left;
    }
    (last <= limit).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn near_names_are_found_and_far_ones_not() {
        assert_eq!(
            closest("lenght", ["length", "width"].into_iter()),
            Some("length")
        );
        assert_eq!(closest("foo", ["bar", "quux"].into_iter()), None);
        assert_eq!(closest("Name", ["name"].into_iter()), Some("name"));
    }
}
