use std::fs::File;
use std::os::unix::fs::FileExt;

use proptest::prelude::*;
use rustix::fs::{MemfdFlags, memfd_create};

use super::*;

/// A file that is laid out as a ring is, and the kernel's side of it.
struct Kernel {
    file: File,
    size: u64,
    written: u64,
}

impl Kernel {
    fn new(size: u64) -> Kernel {
        let file = File::from(memfd_create("ring", MemfdFlags::CLOEXEC).expect("memory"));
        file.set_len(2 * page_size() as u64 + 2 * size).expect("it grows");
        Kernel { file, size, written: 0 }
    }

    fn reader(&self) -> Reader<File> {
        let file = self.file.try_clone().expect("another descriptor");
        Reader::new(file, u32::try_from(self.size).expect("small")).expect("it is mapped")
    }

    fn put(&self, position: u64, bytes: &[u8]) {
        let (place, data) = (position % self.size, 2 * page_size() as u64);
        let until_end = usize::try_from(self.size - place).expect("small").min(bytes.len());
        let (before, behind) = bytes.split_at(until_end);
        // What is in both copies of a ring is in two places here.
        for copy in [0, self.size] {
            self.file.write_all_at(before, data + place + copy).expect("it is written");
            self.file.write_all_at(behind, data + copy).expect("it is written");
        }
    }

    fn read(&self) -> u64 {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, 0).expect("the reader's position");
        u64::from_ne_bytes(bytes)
    }

    /// Writes a record, unless there is no room; `marks` are bits of its head.
    fn write(&mut self, record: &[u8], marks: u32) -> bool {
        let all = (HEAD + record.len() as u64).next_multiple_of(8);
        if self.written + all - self.read() > self.size {
            return false;
        }
        self.put(self.written + HEAD, record);
        let len = u32::try_from(record.len()).expect("short");
        self.put(self.written, &(len | marks).to_ne_bytes());
        self.written += all;
        let place = page_size() as u64;
        self.file.write_all_at(&self.written.to_ne_bytes(), place).expect("the position");
        true
    }
}

fn next(reader: &mut Reader<File>) -> Option<Vec<u8>> {
    let mut found = None;
    let was = reader.next(|record| found = Some(record.to_vec()));
    assert_eq!(was, found.is_some());
    found
}

#[test]
fn a_record_that_is_being_written_holds_back_those_behind_it() {
    let mut kernel = Kernel::new(64 << 10);
    let mut reader = kernel.reader();
    assert_eq!(next(&mut reader), None);
    assert!(kernel.write(b"first", 0) && kernel.write(b"second", BUSY) && kernel.write(b"", 0));
    assert_eq!(next(&mut reader), Some(b"first".to_vec()));
    assert_eq!(next(&mut reader), None);
    kernel.put(16, &(6 | DISCARDED).to_ne_bytes());
    assert_eq!(next(&mut reader), Some(Vec::new()), "what was taken back is passed over");
    assert_eq!((next(&mut reader), kernel.read()), (None, kernel.written));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Rings smaller and larger than the window, round and round.
    #[test]
    fn all_that_is_written_is_read_in_order(
        pages in prop::sample::select(vec![1_u64, 16, 128]),
        lens in prop::collection::vec((0_usize..9_000, any::<bool>(), 1_usize..6), 40..120),
    ) {
        let mut kernel = Kernel::new(pages * page_size() as u64);
        let mut reader = kernel.reader();
        let mut waiting = std::collections::VecDeque::new();
        for (number, (len, discarded, drain)) in lens.into_iter().enumerate() {
            let record = vec![number as u8; len % (kernel.size as usize / 2)];
            while !kernel.write(&record, if discarded { DISCARDED } else { 0 }) {
                prop_assert_eq!(next(&mut reader), waiting.pop_front());
            }
            if !discarded {
                waiting.push_back(record);
            }
            if drain == 1 {
                while let Some(found) = next(&mut reader) {
                    prop_assert_eq!(Some(found), waiting.pop_front());
                }
            }
        }
        while let Some(found) = next(&mut reader) {
            prop_assert_eq!(Some(found), waiting.pop_front());
        }
        prop_assert!(waiting.is_empty());
        prop_assert_eq!(kernel.read(), kernel.written);
    }
}

#[test]
fn what_is_mapped_of_the_kernels_types_is_what_is_read() {
    // Kernels before 6.16 map none: then they are read.
    let Some(mapped) = KernelTypes::mapped() else {
        return eprintln!("this kernel does not map its types");
    };
    let read = std::fs::read(KERNEL).expect("they can be read");
    assert!(*mapped == *read, "{} and {} bytes", mapped.len(), read.len());
}
