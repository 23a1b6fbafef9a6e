//! Connections that want the same, so that one look at an event serves them all.

mod patterns;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use realtime_contract::channel::{OF_USERS, Pattern};
use slab::Slab;

use self::patterns::Patterns;
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
    by_pattern: Patterns,
    /// By the pattern `*`, which nearly everybody wants.
    of_no_user: BTreeSet<usize>,
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
            Some(selection) => {
                for channel in &selection.names {
                    self.by_channel.entry(channel.clone()).or_default().insert(group);
                }
                for pattern in &selection.patterns {
                    if *pattern == Pattern::every() {
                        self.of_no_user.insert(group);
                    } else {
                        self.by_pattern.insert(pattern, group);
                    }
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
        self.of_no_user.remove(&group);
        let Some(selection) = &wanted.0.channels else { return };
        for channel in &selection.names {
            if let Some(groups) = self.by_channel.get_mut(channel) {
                groups.remove(&group);
                if groups.is_empty() {
                    self.by_channel.remove(channel);
                }
            }
        }
        for pattern in &selection.patterns {
            self.by_pattern.remove(pattern, group);
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
        let mut wanted = Wanted { places: vec![0; self.groups.capacity()], lists: Vec::new() };
        for event in events {
            let mut data = None;
            self.interested(event).for_each(|group| {
                let filter = &self.groups[group].filter;
                if filter.takes_kind(&event.kind)
                    && (filter.fields.is_empty() || filter.takes_fields(data.get_or_insert_with(|| parse(event))))
                {
                    wanted.note(group, event);
                }
            });
        }
        let mut chunks = Chunks { renderings, made: (wanted.lists.len() > 1).then(HashMap::new) };
        let delivery = |(group, events): (usize, Vec<&Event>)| {
            let chunk = chunks.of(&events, self.groups[group].rendering);
            Delivery { group, events: events.len() as u64, chunk }
        };
        wanted.lists.into_iter().map(delivery).collect()
    }

    /// Groups that want its channel. One that wants it by name and by pattern, or by two patterns, comes again.
    fn interested<'a>(&'a self, event: &'a Event) -> impl Iterator<Item = usize> + 'a {
        let named = self.by_channel.get(&event.channel).into_iter().flatten();
        let of_no_user = (!event.channel.starts_with(OF_USERS)).then_some(&self.of_no_user).into_iter().flatten();
        let groups = self.of_every_channel.iter().chain(of_no_user).chain(named).copied();
        groups.chain(self.by_pattern.taking(&event.channel))
    }
}

/// What each group gets.
struct Wanted<'a> {
    /// By the number of a group: where its list is, counted from 1; 0 for none.
    places: Vec<u32>,
    lists: Vec<(usize, Vec<&'a Event>)>,
}

impl<'a> Wanted<'a> {
    /// Notes an event for a group, which may have been told of it before: then it is its last one.
    fn note(&mut self, group: usize, event: &'a Event) {
        let place = &mut self.places[group];
        if *place == 0 {
            self.lists.push((group, Vec::new()));
            *place = small(self.lists.len());
        }
        let list = &mut self.lists[*place as usize - 1].1;
        if !list.last().is_some_and(|last| std::ptr::eq(*last, event)) {
            list.push(event);
        }
    }
}

/// The pieces of a batch. Users are groups of their own, each with a channel of its own, that mostly get the same: then they share its bytes.
struct Chunks<'a> {
    renderings: &'a Renderings,
    /// By their form and their events; `None` for one group, which has nobody to share with.
    made: Option<Made>,
}

type Made = HashMap<(u8, Box<[*const Event]>), Bytes>;

impl Chunks<'_> {
    fn of(&mut self, events: &[&Event], rendering: u8) -> Bytes {
        if let [event] = events {
            return self.renderings.shared(rendering, event);
        }
        let make = || join(events, rendering, self.renderings);
        let Some(made) = &mut self.made else { return make() };
        let which = events.iter().map(|event| std::ptr::from_ref(*event)).collect();
        made.entry((rendering, which)).or_insert_with(make).clone()
    }
}

fn parse(event: &Event) -> serde_json::Value {
    serde_json::from_str(&event.data()).unwrap_or_default()
}

/// Several events as one piece.
fn join(events: &[&Event], rendering: u8, renderings: &Renderings) -> Bytes {
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

#[cfg(test)]
mod tests;
