//! An endpoint over real sockets: a client of either transport against an engine, its server and namespaces.

#[cfg(test)]
mod endpoint {
    pub(super) mod client;
    pub(super) mod world;

    mod ends;
    mod requests;
    mod talks;
    mod upgrades;
}
