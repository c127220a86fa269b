//! Tester: N TCP connections to ADDRESS, each sending and receiving so many bytes.
//! `connector ADDRESS N SEND RECEIVE`; with port 0 the server is a thread of this very process.
#![forbid(unsafe_code)]

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, address, times, send, receive] = args.as_slice() else {
        panic!("connector ADDRESS N SEND RECEIVE")
    };
    let address: SocketAddr = address.parse().expect("an address");
    let times: u32 = times.parse().expect("a number");
    let send: usize = send.parse().expect("a number");
    let receive: usize = receive.parse().expect("a number");
    let mut server = None;
    let mut to = address;
    if address.port() == 0 {
        let listener = TcpListener::bind(address).expect("an address of this machine");
        to = listener.local_addr().expect("it has an address");
        server = Some(std::thread::spawn(move || serve(&listener, times, send, receive)));
    }
    xtests::gate("ready");
    for _ in 0..times {
        let mut stream = TcpStream::connect(to).expect("somebody listens");
        stream.write_all(&vec![b'>'; send]).expect("it is connected");
        stream.shutdown(Shutdown::Write).expect("it is connected");
        let mut got = Vec::new();
        stream.read_to_end(&mut got).expect("it is connected");
        assert_eq!(got.len(), receive, "bytes received");
    }
    if let Some(server) = server {
        server.join().expect("the server does not panic");
    }
    xtests::gate("done");
}

/// Answers each client with `answer` bytes after all of its own have come.
fn serve(listener: &TcpListener, times: u32, expected: usize, answer: usize) {
    for _ in 0..times {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut got = Vec::new();
        stream.read_to_end(&mut got).expect("it is connected");
        assert_eq!(got.len(), expected, "bytes from the client");
        stream.write_all(&vec![b'<'; answer]).expect("it is connected");
    }
}
