//! A server for tests that answers the commands of the API's Socket.IO and of its cache as Redis does, but keeps everything for ever.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex},
};

use realtime_chassis::{config::RedisConfig, redis::Connection};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
};

/// What it keeps.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) texts: HashMap<String, String>,
    pub(crate) sets: HashMap<String, BTreeSet<String>>,
}

/// The server, and the commands that it has answered.
pub(crate) struct FakeRedis {
    port: u16,
    pub(crate) kept: Arc<Mutex<Kept>>,
    told: mpsc::UnboundedSender<Vec<String>>,
    answered: mpsc::UnboundedReceiver<Vec<String>>,
    serving: JoinSet<()>,
}

impl FakeRedis {
    pub(crate) async fn start() -> Self {
        let (told, answered) = mpsc::unbounded_channel();
        let mut server = Self { port: 0, kept: Arc::default(), told, answered, serving: JoinSet::new() };
        server.resume().await;
        server
    }

    /// Ends all connections and takes no more; what is kept stays.
    pub(crate) async fn stop(&mut self) {
        self.serving.shutdown().await;
    }

    /// Takes connections, again at the same port.
    pub(crate) async fn resume(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.port = listener.local_addr().unwrap().port();
        let (kept, told) = (self.kept.clone(), self.told.clone());
        self.serving.spawn(async move {
            let mut clients = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                clients.spawn(serve(client, kept.clone(), told.clone()));
            }
        });
    }

    pub(crate) fn connection(&self) -> Connection {
        connection(self.port)
    }

    /// The next command, if one was answered since.
    pub(crate) fn next(&mut self) -> Option<Vec<String>> {
        self.answered.try_recv().ok()
    }

    /// The next command of that name.
    pub(crate) async fn answered(&mut self, name: &str) -> Vec<String> {
        loop {
            let command = self.answered.recv().await.unwrap();
            if command[0] == name {
                return command;
            }
        }
    }
}

/// A connection to where nothing listens.
pub(crate) fn away() -> Connection {
    connection(std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port())
}

/// A connection to whatever listens at the port.
pub(crate) fn connection(port: u16) -> Connection {
    let url = format!("redis://127.0.0.1:{port}");
    Connection::new(&RedisConfig { url: Some(url.into()), host: None, port: 6379, password: None }).unwrap()
}

async fn serve(client: TcpStream, kept: Arc<Mutex<Kept>>, told: mpsc::UnboundedSender<Vec<String>>) {
    // The replies to a pipeline are several writes.
    client.set_nodelay(true).unwrap();
    let (reader, mut writer) = client.into_split();
    let mut reader = BufReader::new(reader);
    while let Some(command) = command(&mut reader).await {
        let reply = reply(&command, &mut kept.lock().unwrap());
        told.send(command).ok();
        if writer.write_all(reply.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A command as its texts.
async fn command(reader: &mut (impl AsyncBufReadExt + Unpin)) -> Option<Vec<String>> {
    let count = number(reader).await?;
    let mut texts = Vec::new();
    for _ in 0..count {
        let length = number(reader).await?;
        let mut text = vec![0; length + 2];
        reader.read_exact(&mut text).await.ok()?;
        text.truncate(length);
        texts.push(String::from_utf8(text).unwrap());
    }
    Some(texts)
}

async fn number(reader: &mut (impl AsyncBufReadExt + Unpin)) -> Option<usize> {
    let mut line = String::new();
    reader.read_line(&mut line).await.ok()?;
    line.get(1..)?.trim_end().parse().ok()
}

fn bulk(text: Option<&String>) -> String {
    text.map_or("$-1\r\n".to_owned(), |text| format!("${}\r\n{text}\r\n", text.len()))
}

/// What was there before, if that is asked for, else whether it was set.
fn set_new(kept: &mut Kept, key: &str, text: &str, gets: bool) -> String {
    let before = kept.texts.get(key).cloned();
    kept.texts.entry(key.to_owned()).or_insert_with(|| text.to_owned());
    match (&before, gets) {
        (None, false) => "+OK\r\n".to_owned(),
        (Some(_), false) => bulk(None),
        (before, true) => bulk(before.as_ref()),
    }
}

fn reply(command: &[String], kept: &mut Kept) -> String {
    let texts: Vec<&str> = command.iter().map(String::as_str).collect();
    let number = match texts[..] {
        ["GET", key] => return bulk(kept.texts.get(key)),
        ["SET", key, text] | ["SET", key, text, "EX", "300" | "10"] | ["SET", key, text, "PX", _] => {
            kept.texts.insert(key.to_owned(), text.to_owned());
            return "+OK\r\n".to_owned();
        }
        ["SET", key, text, "NX", ref others @ ..] => return set_new(kept, key, text, others.contains(&"GET")),
        ["PTTL", key] => return if kept.texts.contains_key(key) { ":60000\r\n" } else { ":-2\r\n" }.to_owned(),
        // A renewal.
        ["EVAL", _, "1", key, text, "300"] => {
            let kept = kept.texts.entry(key.to_owned()).or_insert_with(|| text.to_owned());
            usize::from(kept == text)
        }
        ["DEL", key] => usize::from(kept.texts.remove(key).is_some()),
        // Of the two scripts about leases only one counts.
        ["EVAL", script, "1", key, id, limit, "45000"] if script.contains("ZCARD") => {
            let set = kept.sets.entry(key.to_owned()).or_default();
            let fits = set.len() < limit.parse().unwrap();
            usize::from(fits && set.insert(id.to_owned()))
        }
        ["EVAL", _, "1", key, "45000", ref ids @ ..] => {
            kept.sets.entry(key.to_owned()).or_default().extend(ids.iter().map(ToString::to_string));
            1
        }
        ["SADD", key, id] => usize::from(kept.sets.entry(key.to_owned()).or_default().insert(id.to_owned())),
        ["SREM", key, ref ids @ ..] => {
            let set = kept.sets.entry(key.to_owned()).or_default();
            ids.iter().filter(|id| set.remove(**id)).count()
        }
        ["SRANDMEMBER", key, _] => {
            let set = kept.sets.entry(key.to_owned()).or_default();
            let texts: String = set.iter().map(|text| bulk(Some(text))).collect();
            return format!("*{}\r\n{texts}", set.len());
        }
        ["ZREM", key, id] => usize::from(kept.sets.entry(key.to_owned()).or_default().remove(id)),
        ["CLIENT", ..] => return "+OK\r\n".to_owned(),
        _ => return format!("-ERR unknown command {}\r\n", texts.join(" ")),
    };
    format!(":{number}\r\n")
}
