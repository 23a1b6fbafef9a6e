//! What all conversations of a server share.

use std::sync::Arc;

use super::{allowance::Rate, form, hub::Hub};
use crate::{
    messages::Messages,
    namespace::{Namespace, Transport},
    packet::Packet,
    settings::Settings,
    statistics::Counters,
};

/// What all conversations of a server share.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) rate: Rate,
    namespaces: Vec<Arc<dyn Namespace>>,
    /// What stands above in place of namespaces.
    pub(crate) messages: Option<Arc<dyn Messages>>,
    pub(crate) counters: Counters,
}

impl Shared {
    /// Of a server with these namespaces. A second one of the same name is never asked.
    pub(crate) fn new(settings: Settings, namespaces: Vec<Arc<dyn Namespace>>) -> Self {
        let counters = Counters::new(namespaces.iter().map(|namespace| namespace.name().to_owned()).collect());
        let rate = Rate::new(settings.packets_per_second, settings.burst);
        Self { settings, rate, namespaces, messages: None, counters }
    }

    /// The number of a namespace.
    pub(crate) fn find(&self, name: &str) -> Option<u16> {
        let place = self.namespaces.iter().position(|namespace| namespace.name() == name)?;
        u16::try_from(place).ok()
    }

    /// The namespace with that number.
    pub(crate) fn namespace(&self, number: u16) -> &dyn Namespace {
        &*self.namespaces[usize::from(number)]
    }

    /// Its name.
    pub(crate) fn name(&self, number: u16) -> &str {
        self.namespace(number).name()
    }

    /// Sends a packet.
    pub(crate) fn say(&self, packet: &Packet, transport: Transport, hub: &mut dyn Hub) {
        self.counters.sent(1);
        hub.say(form::message(transport, &packet.encode()));
    }
}
