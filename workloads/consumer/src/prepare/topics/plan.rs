//! What has to change so that the topics are as wanted.

use realtime_contract::topic::Topic;
use thiserror::Error;

use super::Existing;

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action<'a> {
    /// A topic that is missing.
    Create {
        /// Its name.
        topic: &'a str,
        /// Its partitions.
        partitions: u16,
    },
    /// A topic that is too small.
    Grow {
        /// Its name.
        topic: &'a str,
        /// Its partitions then.
        partitions: u16,
    },
}

/// Kafka cannot take partitions away.
#[derive(Debug, PartialEq, Eq, Error)]
#[error(
    "failed to shrink topic {topic} from {existing} to {wanted} partitions: Kafka cannot, ask for {existing} or more"
)]
pub(crate) struct Shrink {
    topic: String,
    existing: usize,
    wanted: u16,
}

/// The changes, or the first topic that would have to shrink.
pub(super) fn plan<'a>(wanted: &'a [Topic], existing: &Existing) -> Result<Vec<Action<'a>>, Shrink> {
    let actions = wanted.iter().map(|topic| action(topic, existing.get(&topic.name).map_or(0, |found| found.count)));
    actions.filter_map(Result::transpose).collect()
}

fn action(topic: &Topic, existing: usize) -> Result<Option<Action<'_>>, Shrink> {
    let wanted = topic.partitions;
    match existing {
        0 => Ok(Some(Action::Create { topic: &topic.name, partitions: wanted })),
        _ if existing > usize::from(wanted) => Err(Shrink { topic: topic.name.clone(), existing, wanted }),
        _ if existing < usize::from(wanted) => Ok(Some(Action::Grow { topic: &topic.name, partitions: wanted })),
        _ => Ok(None),
    }
}

/// Whether brokers serve as many partitions as wanted.
pub(super) fn is_served(topic: &Topic, existing: &Existing) -> bool {
    existing.get(&topic.name).is_some_and(|found| found.led >= usize::from(topic.partitions))
}

#[cfg(test)]
mod tests {
    use super::super::Partitions;
    use super::*;

    fn wanted(partitions: u16) -> Vec<Topic> {
        vec![Topic { name: "notifications".into(), partitions }]
    }

    fn existing(count: usize) -> Existing {
        [("notifications".to_owned(), Partitions { count, led: count })].into()
    }

    #[test]
    fn a_missing_topic_is_created() {
        let topics = wanted(6);
        assert_eq!(plan(&topics, &Existing::new()), Ok(vec![Action::Create { topic: "notifications", partitions: 6 }]));
    }

    #[test]
    fn a_topic_as_wanted_stays() {
        assert_eq!(plan(&wanted(6), &existing(6)), Ok(vec![]));
    }

    #[test]
    fn a_small_topic_grows() {
        let topics = wanted(6);
        assert_eq!(plan(&topics, &existing(3)), Ok(vec![Action::Grow { topic: "notifications", partitions: 6 }]));
    }

    #[test]
    fn a_large_topic_is_never_shrunk() {
        let refused = plan(&wanted(3), &existing(6)).unwrap_err();
        assert!(refused.to_string().contains("from 6 to 3 partitions"), "{refused}");
    }

    #[test]
    fn partitions_without_leader_are_not_served() {
        let topic = &wanted(2)[0];
        let half = [("notifications".to_owned(), Partitions { count: 2, led: 1 })].into();
        assert!(is_served(topic, &existing(2)) && !is_served(topic, &half));
    }
}
