//! TFRecord framing: a record is its length (u64), a checksum of that, its bytes, and a checksum of those; all
//! little-endian, checksums CRC-32C and masked.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

/// Longer records hold graphs and media: they are checked, and not kept in memory.
const MOST_BYTES: u64 = 4 << 20;
const HEADER: u64 = 12;
const CHECKSUM: u64 = 4;
/// What is read of a long record at a time.
const PIECE: usize = 1 << 16;

/// What comes next in a file.
#[derive(Debug)]
pub(super) enum Next<'a> {
    /// A record's bytes.
    Record(&'a [u8]),
    /// A record too long to be of use here.
    Long,
    /// Nothing, or a record that is not whole yet.
    Wait,
}

/// Why a file is not read further.
#[derive(Debug)]
pub(super) enum Fault {
    Io(std::io::Error),
    Broken(&'static str),
}

/// The records of a file, from one on.
#[derive(Debug)]
pub(super) struct Records {
    file: BufReader<File>,
    offset: u64,
    length: u64,
    bytes: Vec<u8>,
}

impl Records {
    /// Those between `offset`, where a record begins, and `length`, the file's at this moment.
    pub(super) fn open(path: &Path, offset: u64, length: u64) -> std::io::Result<Self> {
        let mut file = BufReader::with_capacity(PIECE, File::open(path)?);
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self { file, offset, length, bytes: Vec::new() })
    }

    /// Where the record begins that comes next.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next record. After a fault there is none.
    pub(super) fn next(&mut self) -> Result<Next<'_>, Fault> {
        let start = self.offset;
        match self.read() {
            Ok(false) => Ok(Next::Wait),
            Ok(true) if self.offset - start > MOST_BYTES => Ok(Next::Long),
            Ok(true) => Ok(Next::Record(&self.bytes)),
            // Cut off since its length was asked for.
            Err(Fault::Io(error)) if error.kind() == ErrorKind::UnexpectedEof => Ok(Next::Wait),
            Err(fault) => Err(fault),
        }
    }

    /// Reads a record where it is whole; whether it is.
    fn read(&mut self) -> Result<bool, Fault> {
        let left = self.length - self.offset;
        if left < HEADER {
            return Ok(false);
        }
        let mut header = [0; HEADER as usize];
        self.fill(&mut header)?;
        let (length, checksum) = header.split_at(8);
        if masked(crc32c::crc32c(length)) != number(checksum) {
            return Err(Fault::Broken("a record's length does not match its checksum"));
        }
        let length = u64::from_le_bytes(length.try_into().unwrap_or_default());
        if length > left - HEADER || left - HEADER - length < CHECKSUM {
            return Ok(false);
        }
        let sum = self.read_bytes(length)?;
        let mut checksum = [0; CHECKSUM as usize];
        self.fill(&mut checksum)?;
        if masked(sum) != number(&checksum) {
            return Err(Fault::Broken("a record does not match its checksum"));
        }
        self.offset += HEADER + length + CHECKSUM;
        Ok(true)
    }

    /// Reads a record's bytes, and keeps them where they are not too many; their checksum.
    fn read_bytes(&mut self, length: u64) -> Result<u32, Fault> {
        let mut left = length;
        let mut sum = 0;
        while left > 0 {
            let size = if length > MOST_BYTES { left.min(PIECE as u64) } else { left };
            self.bytes.resize(size as usize, 0);
            self.file.read_exact(&mut self.bytes).map_err(Fault::Io)?;
            sum = crc32c::crc32c_append(sum, &self.bytes);
            left -= size;
        }
        if length == 0 {
            self.bytes.clear();
        }
        Ok(sum)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Fault> {
        self.file.read_exact(bytes).map_err(Fault::Io)
    }
}

/// TFRecord's masking, so that a record that holds records does not confuse its checksum.
fn masked(sum: u32) -> u32 {
    sum.rotate_right(15).wrapping_add(0xa282_ead8)
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().unwrap_or_default())
}
