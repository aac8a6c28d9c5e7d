//! "Did you mean": the known word that is nearest to what was written.

/// Words longer than this are not compared; nobody mistypes those into one another.
const CHARACTERS_MAX: usize = 64;

/// The candidate with the fewest typing mistakes from `word`; none when all are too far.
pub fn closest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word: Vec<char> = folded(word);
    if word.is_empty() || word.len() > CHARACTERS_MAX {
        return None;
    }
    // `discharge` must not become `charge`: three letters of nine are another word.
    let mistakes_max = (word.len() / 4).max(1);
    candidates
        .into_iter()
        .filter(|it| it.chars().count().abs_diff(word.len()) <= mistakes_max)
        .map(|it| (distance(&word, &folded(it)), it))
        .filter(|(mistakes, _)| *mistakes <= mistakes_max)
        .min_by_key(|(mistakes, _)| *mistakes)
        .map(|(_, it)| it)
}

/// Case, dash, underscore and space are taken for each other at no cost.
fn folded(word: &str) -> Vec<char> {
    let fold = |c: char| if matches!(c, '-' | ' ') { '_' } else { c };
    word.chars()
        .flat_map(char::to_lowercase)
        .map(fold)
        .collect()
}

/// Letters to insert, drop, replace or swap with a neighbor.
fn distance(a: &[char], b: &[char]) -> usize {
    let width = b.len() + 1;
    let mut table = vec![0; (a.len() + 1) * width];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i * width + j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = table[(i - 1) * width + j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let dropped = table[(i - 1) * width + j] + 1;
                let inserted = table[i * width + j - 1] + 1;
                let best = replaced.min(dropped).min(inserted);
                let is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                if is_swap {
                    best.min(table[(i - 2) * width + j - 2] + 1)
                } else {
                    best
                }
            };
        }
    }
    table[a.len() * width + b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_offered_and_a_far_one_is_not() {
        let devices = ["car_charger", "house_battery", "roof"];
        assert_eq!(closest("car_chargr", devices), Some("car_charger"));
        assert_eq!(closest("House-Battery", devices), Some("house_battery"));
        assert_eq!(closest("rofo", devices), Some("roof"));
        assert_eq!(closest("kitchen", devices), None);
        assert_eq!(closest("discharge", ["charge"]), None);
        assert_eq!(closest("", devices), None);
    }
}
