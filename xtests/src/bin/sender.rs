//! Tester: UDP datagrams from one socket. `sender FROM SIZE PEER...`: one datagram to each PEER, in
//! this order, from one unconnected socket.
#![forbid(unsafe_code)]

use std::net::UdpSocket;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, from, size, peers @ ..] = args.as_slice() else { panic!("sender FROM SIZE PEER...") };
    let size: usize = size.parse().expect("a number");
    let socket = UdpSocket::bind(from).expect("an address of this machine");
    for peer in peers {
        let sent = socket.send_to(&vec![b'.'; size], peer).expect("it can be sent");
        assert_eq!(sent, size, "bytes sent");
    }
}
