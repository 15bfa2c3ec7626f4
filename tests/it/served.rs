//! A server in this process that answers whatever a test says, or hangs up.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request that came.
pub(crate) struct Request {
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A header of it; empty where it has none of that name.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        });
        value.unwrap_or_default()
    }

    /// `GET`, `HEAD` and so on.
    pub(crate) fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    async fn read(stream: &mut TcpStream) -> Option<Self> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let mut request = Self { head: String::from_utf8(head).ok()?, body: Vec::new() };
        request.body.resize(request.header("content-length").parse().unwrap_or(0), 0);
        stream.read_exact(&mut request.body).await.ok()?;
        Some(request)
    }
}

/// What is answered; where it is nothing, the connection ends.
pub(crate) type Answers = dyn Fn(&Request) -> Option<Vec<u8>> + Send + Sync;

/// The server.
pub(crate) struct Served {
    address: SocketAddr,
    server: tokio::task::JoinHandle<()>,
}

impl Served {
    pub(crate) async fn start(answers: Box<Answers>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answers: Arc<Answers> = answers.into();
        let server = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answers = Arc::clone(&answers);
                tokio::spawn(async move {
                    let Some(request) = Request::read(&mut stream).await else { return };
                    if let Some(answer) = answers(&request) {
                        let _ = stream.write_all(&answer).await;
                    }
                });
            }
        });
        Self { address, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.server.abort();
    }
}
