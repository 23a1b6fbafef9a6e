//! A way in to the instances of a service that keeps to one of them, as a load balancer with sticky sessions does.
//!
//! Clients of a test all have one address, so the Service sends all of them to the same instance. Through several entrances they are spread, and
//! a test can lead them elsewhere.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use realtime_contract::{Component, ports};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::stack::Stack;

/// An instance that does not accept a connection within this time is passed over.
const ATTEMPT: Duration = Duration::from_secs(1);
/// How often the instances are listed, as a balancer checks the health of those behind it.
const INTERVAL: Duration = Duration::from_millis(300);

/// A way in that is open as long as this value lives.
#[derive(Debug)]
pub struct Entrance {
    /// Where clients connect to.
    pub url: String,
    instances: Arc<Mutex<Vec<SocketAddr>>>,
    // Each new value ends the connections that were there.
    cuts: watch::Sender<u32>,
    task: JoinHandle<()>,
}

impl Entrance {
    /// Opens a way to the first of those instances that accepts a connection. It stays with it as long as it accepts.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn open(instances: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.unwrap_or_else(|error| panic!("failed to open an entrance: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("failed to read the own port: {error}"));
        let instances = Arc::new(Mutex::new(instances));
        let (cuts, cut) = watch::channel(0);
        let shared = Arc::clone(&instances);
        let task = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(pass(connection, Arc::clone(&shared), cut.clone()));
            }
        });
        Self { url: format!("http://{address}"), instances, cuts, task }
    }

    /// Leads new connections to those. One that they lead to already stays the first.
    pub fn lead_to(&self, mut instances: Vec<SocketAddr>) {
        let mut present = self.instances.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = present.first().and_then(|first| instances.iter().position(|it| it == first)) {
            instances[..=kept].rotate_right(1);
        }
        *present = instances;
    }

    /// Ends every connection through it.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Drop for Entrance {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

/// Carries one connection to its end.
async fn pass(mut client: TcpStream, instances: Arc<Mutex<Vec<SocketAddr>>>, mut cut: watch::Receiver<u32>) {
    cut.mark_unchanged();
    let Some(mut server) = connect(&instances).await else { return };
    for stream in [&client, &server] {
        // What is small is sent at once, as between a client and its server.
        drop(stream.set_nodelay(true));
    }
    tokio::select! {
        // Whichever end closes: the other one sees it when both values go.
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
        _ = cut.changed() => {}
    }
}

/// To the first instance that accepts, which is the first one from then on.
async fn connect(instances: &Mutex<Vec<SocketAddr>>) -> Option<TcpStream> {
    let candidates = instances.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for candidate in candidates {
        if let Ok(Ok(stream)) = tokio::time::timeout(ATTEMPT, TcpStream::connect(candidate)).await {
            let mut instances = instances.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(place) = instances.iter().position(|it| *it == candidate) {
                instances[..=place].rotate_right(1);
            }
            return Some(stream);
        }
    }
    None
}

/// Where a pod serves.
///
/// # Panics
/// When it has no address.
pub fn address(pod: &Pod) -> SocketAddr {
    let address = pod.status.as_ref().and_then(|status| status.pod_ip.as_deref());
    let address = address.and_then(|address| address.parse().ok());
    SocketAddr::new(address.unwrap_or_else(|| panic!("pod {} has no address", pod.name_any())), ports::HTTP)
}

/// Ways in to the instances of a component that are ready, which follow the cluster.
#[derive(Debug)]
pub struct Entrances {
    doors: Arc<Vec<Entrance>>,
    task: JoinHandle<()>,
}

impl Entrances {
    /// Opens so many, spread over the instances.
    ///
    /// # Panics
    /// When no instance is ready.
    pub async fn open(stack: &Stack, component: Component, count: usize) -> Self {
        let instances = ready(stack, component).await;
        assert!(!instances.is_empty(), "an instance of {component} is ready");
        let mut doors = Vec::new();
        for door in 0..count {
            let mut instances = instances.clone();
            let first = door % instances.len();
            instances.rotate_left(first);
            doors.push(Entrance::open(instances).await);
        }
        let doors = Arc::new(doors);
        let (stack, followed) = (stack.clone(), Arc::clone(&doors));
        let task = tokio::spawn(async move {
            let mut pace = tokio::time::interval(INTERVAL);
            loop {
                pace.tick().await;
                let instances = ready(&stack, component).await;
                for (number, door) in followed.iter().enumerate() {
                    let mut instances = instances.clone();
                    let first = number % instances.len().max(1);
                    instances.rotate_left(first);
                    door.lead_to(instances);
                }
            }
        });
        Self { doors, task }
    }

    /// The way in of a client, by its number.
    pub fn url(&self, client: usize) -> &str {
        &self.doors[client % self.doors.len()].url
    }
}

impl Drop for Entrances {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether a pod is ready, as Kubernetes has it.
pub fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.is_some_and(|it| it.iter().any(|it| it.type_ == "Ready" && it.status == "True"))
}

/// Addresses of the instances that are ready and not about to go.
async fn ready(stack: &Stack, component: Component) -> Vec<SocketAddr> {
    stack.pods(component).await.iter().filter(|pod| is_ready(pod)).map(address).collect()
}
