//! Groups by the patterns of channels that they want, so that an event costs few looks however many patterns there are.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
    ops::Bound::{Excluded, Included, Unbounded},
};

use realtime_contract::channel::Pattern;

/// Patterns by their beginning, the text before their first `*`. A channel is compared only with those whose beginning it has, each once.
#[derive(Debug, Default)]
pub(super) struct Patterns(BTreeMap<Box<str>, Wanting>);

/// Who wants which pattern.
type Wanting = BTreeMap<Pattern, BTreeSet<usize>>;

impl Patterns {
    pub(super) fn insert(&mut self, pattern: &Pattern, group: usize) {
        let wanting = self.0.entry(beginning(pattern).into()).or_default();
        wanting.entry(pattern.clone()).or_default().insert(group);
    }

    pub(super) fn remove(&mut self, pattern: &Pattern, group: usize) {
        let Some(wanting) = self.0.get_mut(beginning(pattern)) else { return };
        if let Some(groups) = wanting.get_mut(pattern) {
            groups.remove(&group);
            if groups.is_empty() {
                wanting.remove(pattern);
            }
        }
        if wanting.is_empty() {
            self.0.remove(beginning(pattern));
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Groups with a pattern that takes the channel. One with two of them comes twice.
    pub(super) fn taking<'a>(&'a self, channel: &'a str) -> impl Iterator<Item = usize> + 'a {
        let wanting = self.with_beginning_of(channel).flatten();
        wanting.filter(|(pattern, _)| pattern.takes(channel)).flat_map(|(_, groups)| groups).copied()
    }

    /// Patterns whose beginning the channel has, from the longest beginning to the shortest.
    ///
    /// In the order of texts all beginnings of a channel come before it. The last text up to there either is one, or shares only some of its
    /// characters with the channel: then no beginning of it that is longer than these is there.
    fn with_beginning_of<'a>(&'a self, channel: &'a str) -> impl Iterator<Item = &'a Wanting> + 'a {
        let mut upper = Included(channel);
        iter::from_fn(move || {
            loop {
                let (text, wanting) = self.0.range::<str, _>((Unbounded, upper)).next_back()?;
                if channel.starts_with(&**text) {
                    upper = Excluded(text);
                    return Some(wanting);
                }
                upper = Included(shared(text, channel));
            }
        })
    }
}

/// The text before the first `*`.
fn beginning(pattern: &Pattern) -> &str {
    let text = pattern.text();
    text.split_once('*').map_or(text, |(beginning, _)| beginning)
}

/// The characters with which both begin.
fn shared<'a>(one: &'a str, other: &str) -> &'a str {
    let both = one.char_indices().zip(other.chars());
    let end = both.into_iter().find(|((_, of_one), of_other)| of_one != of_other).map(|((place, _), _)| place);
    one.get(..end.unwrap_or(one.len())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Patterns {
        let mut patterns = Patterns::default();
        for (group, text) in texts.iter().enumerate() {
            patterns.insert(&Pattern::new(text).unwrap(), group);
        }
        patterns
    }

    #[test]
    fn finds_those_that_a_look_at_each_pattern_finds() {
        let texts = [
            "*",
            "**",
            "a",
            "a*",
            "aa*",
            "a*b",
            "ab",
            "ab*",
            "abc*",
            "abd*",
            "ac*",
            "b*",
            "*b",
            "user:*",
            "user:7",
            "user*",
            "user:7*",
            "abcdefgh*",
            "~*",
        ];
        let patterns = patterns(&texts);
        for channel in
            ["a", "aa", "ab", "abb", "abc", "abcx", "abce", "b", "", "user:7", "user:71", "users", "abé", "é", "~"]
        {
            let mut found: Vec<usize> = patterns.taking(channel).collect();
            found.sort_unstable();
            let takes = |group: &usize| Pattern::new(texts[*group]).unwrap().takes(channel);
            assert_eq!(found, (0..texts.len()).filter(takes).collect::<Vec<_>>(), "{channel}");
        }
    }

    #[test]
    fn a_channel_is_compared_with_few_of_very_many_patterns() {
        let mut patterns = patterns(&["*.eu", "tenant-*"]);
        for tenant in 0..50_000 {
            patterns.insert(&Pattern::new(&format!("tenant-{tenant}.*")).unwrap(), 7);
        }
        let compared = |channel| patterns.with_beginning_of(channel).map(Wanting::len).sum::<usize>();
        assert_eq!(compared("tenant-4711.orders"), 3);
        assert_eq!(compared("tenant-4711"), 2);
        assert_eq!(compared("elsewhere"), 1);
    }
}
