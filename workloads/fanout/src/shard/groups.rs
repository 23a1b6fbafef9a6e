//! Connections that want the same, so that one look at an event serves them all.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use slab::Slab;

use crate::{Event, Filter, rendering::Renderings};

/// Where a connection sits: its group, and its place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seat {
    pub(super) group: u32,
    pub(super) place: u32,
}

/// All groups, found by what they want.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: Slab<Group>,
    by_filter: HashMap<(Arc<Filter>, u8), usize>,
    by_channel: HashMap<Box<str>, BTreeSet<usize>>,
    of_every_channel: BTreeSet<usize>,
}

/// Connections with one filter that get events in the same form.
#[derive(Debug)]
struct Group {
    filter: Arc<Filter>,
    /// Number of the form.
    rendering: u8,
    members: Vec<u32>,
}

/// What one group gets of a batch.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) group: usize,
    /// Events in it.
    pub(super) events: u64,
    /// Their frames, one behind the other.
    pub(super) chunk: Bytes,
}

impl Groups {
    /// Seats a connection, which gets events in the form with that number.
    pub(super) fn seat(&mut self, filter: &Arc<Filter>, rendering: u8, connection: u32) -> Seat {
        let group = match self.by_filter.get(&(filter.clone(), rendering)) {
            Some(group) => *group,
            None => self.found(filter.clone(), rendering),
        };
        let members = &mut self.groups[group].members;
        members.push(connection);
        Seat { group: small(group), place: small(members.len() - 1) }
    }

    fn found(&mut self, filter: Arc<Filter>, rendering: u8) -> usize {
        let group = self.groups.insert(Group { filter: filter.clone(), rendering, members: Vec::new() });
        match &filter.channels {
            None => drop(self.of_every_channel.insert(group)),
            Some(channels) => {
                for channel in channels {
                    self.by_channel.entry(channel.clone()).or_default().insert(group);
                }
            }
        }
        self.by_filter.insert((filter, rendering), group);
        group
    }

    /// Frees a seat. The last of the group takes it: gives that connection, which sits there from now on.
    pub(super) fn leave(&mut self, seat: Seat) -> Option<u32> {
        let group = seat.group as usize;
        let members = &mut self.groups[group].members;
        members.swap_remove(seat.place as usize);
        let moved = members.get(seat.place as usize).copied();
        if members.is_empty() {
            self.dissolve(group);
        } else if members.capacity() > 64 && members.len() * 4 < members.capacity() {
            members.shrink_to(members.len() * 2);
        }
        moved
    }

    fn dissolve(&mut self, group: usize) {
        let Group { filter, rendering, .. } = self.groups.remove(group);
        let wanted = (filter, rendering);
        self.by_filter.remove(&wanted);
        self.of_every_channel.remove(&group);
        for channel in wanted.0.channels.iter().flatten() {
            if let Some(groups) = self.by_channel.get_mut(channel) {
                groups.remove(&group);
                if groups.is_empty() {
                    self.by_channel.remove(channel);
                }
            }
        }
    }

    pub(super) fn members(&self, group: usize) -> &[u32] {
        self.groups.get(group).map_or(&[], |group| &group.members)
    }

    /// What those want who sit there.
    pub(super) fn filter(&self, seat: Seat) -> Arc<Filter> {
        self.groups[seat.group as usize].filter.clone()
    }

    /// What each group gets of these events, in their order.
    pub(super) fn route<'a>(
        &self,
        events: impl IntoIterator<Item = &'a Arc<Event>>,
        renderings: &Renderings,
    ) -> Vec<Delivery> {
        let mut wanted: HashMap<usize, Vec<&Event>> = HashMap::new();
        for event in events {
            let mut data = None;
            for group in self.interested(event) {
                let filter = &self.groups[group].filter;
                if filter.takes_kind(&event.kind)
                    && (filter.fields.is_empty() || filter.takes_fields(data.get_or_insert_with(|| parse(event))))
                {
                    wanted.entry(group).or_default().push(event);
                }
            }
        }
        wanted
            .into_iter()
            .map(|(group, events)| {
                let chunk = join(&events, self.groups[group].rendering, renderings);
                Delivery { group, events: events.len() as u64, chunk }
            })
            .collect()
    }

    fn interested(&self, event: &Event) -> impl Iterator<Item = usize> {
        self.of_every_channel.iter().chain(self.by_channel.get(&event.channel).into_iter().flatten()).copied()
    }
}

fn parse(event: &Event) -> serde_json::Value {
    serde_json::from_str(&event.data()).unwrap_or_default()
}

/// One event is shared as it is; several become one piece, which all connections of the group share.
fn join(events: &[&Event], rendering: u8, renderings: &Renderings) -> Bytes {
    if let [event] = events {
        return renderings.shared(rendering, event);
    }
    let mut chunk = BytesMut::with_capacity(events.iter().map(|event| event.frame().len()).sum());
    for event in events {
        renderings.append(rendering, &mut chunk, &renderings.shared(rendering, event));
    }
    chunk.freeze()
}

/// A process has fewer connections than that.
fn small(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
