//! What was probably meant.

/// The candidate that differs least, unless they all differ in more than a third of their letters.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_anything_else_is_not() {
        let agents = ["claude", "codex", "demo"];
        assert_eq!(nearest("cluade", agents), Some("claude"));
        assert_eq!(nearest("dmo", agents), Some("demo"));
        assert_eq!(nearest("something", agents), None);
    }
}
