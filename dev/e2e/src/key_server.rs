//! An address of keys, as an issuer of tokens has one.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::collector;

/// Serves a set of keys on this machine, at an address that pods can reach.
pub struct KeyServer {
    /// Where the keys stand.
    pub url: String,
    keys: Arc<Mutex<Option<Vec<Value>>>>,
}

impl KeyServer {
    /// Serves those keys on the address from which this machine talks to that pod.
    ///
    /// # Panics
    /// When there is no way to the pod, or no port.
    pub async fn start(pod: &str, keys: Vec<Value>) -> Self {
        let address: IpAddr =
            collector::own_address(pod).unwrap_or_else(|error| panic!("failed to find the way to {pod}: {error}"));
        let listener = TcpListener::bind((address, 0)).await;
        let listener = listener.unwrap_or_else(|error| panic!("failed to listen on {address}: {error}"));
        let bound: SocketAddr =
            listener.local_addr().unwrap_or_else(|error| panic!("failed to read the own port: {error}"));
        let keys = Arc::new(Mutex::new(Some(keys)));
        let served = Arc::clone(&keys);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&served)));
            }
        });
        Self { url: format!("http://{bound}/keys"), keys }
    }

    /// Serves those from now on; without keys it answers with an error of its own.
    pub fn serve(&self, keys: Option<Vec<Value>>) {
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}

async fn serve(connection: TcpStream, keys: Arc<Mutex<Option<Vec<Value>>>>) {
    let mut connection = BufReader::new(connection);
    while let Ok(Some(_)) = collector::read(&mut connection).await {
        let keys = keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let status = if keys.is_some() { "200 OK" } else { "503 Service Unavailable" };
        let body = json!({"keys": keys.unwrap_or_default()}).to_string();
        let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}", body.len());
        if connection.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.is_err() {
            return;
        }
    }
}
