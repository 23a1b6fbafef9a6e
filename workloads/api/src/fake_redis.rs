//! A server for tests that answers the commands of the API's Socket.IO as Redis does, but keeps everything for ever.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex},
};

use realtime_chassis::{config::RedisConfig, redis::Connection};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
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
    answered: mpsc::UnboundedReceiver<Vec<String>>,
}

impl FakeRedis {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let kept = Arc::<Mutex<Kept>>::default();
        let (told, answered) = mpsc::unbounded_channel();
        let shared = kept.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, shared.clone(), told.clone()));
            }
        });
        Self { port, kept, answered }
    }

    pub(crate) fn connection(&self) -> Connection {
        connection(self.port)
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

fn connection(port: u16) -> Connection {
    let url = format!("redis://127.0.0.1:{port}");
    Connection::new(&RedisConfig { url: Some(url.into()), host: None, port: 6379, password: None }).unwrap()
}

async fn serve(client: TcpStream, kept: Arc<Mutex<Kept>>, told: mpsc::UnboundedSender<Vec<String>>) {
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

fn reply(command: &[String], kept: &mut Kept) -> String {
    let texts: Vec<&str> = command.iter().map(String::as_str).collect();
    let number = match texts[..] {
        ["GET", key] => {
            return kept.texts.get(key).map_or("$-1\r\n".to_owned(), |text| format!("${}\r\n{text}\r\n", text.len()));
        }
        ["SET", key, text, "EX", "300"] => {
            kept.texts.insert(key.to_owned(), text.to_owned());
            return "+OK\r\n".to_owned();
        }
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
        ["ZREM", key, id] => usize::from(kept.sets.entry(key.to_owned()).or_default().remove(id)),
        ["CLIENT", ..] => return "+OK\r\n".to_owned(),
        _ => return format!("-ERR unknown command {}\r\n", texts.join(" ")),
    };
    format!(":{number}\r\n")
}
