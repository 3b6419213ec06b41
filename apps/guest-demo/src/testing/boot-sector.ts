const SECTOR = 512;
/** Where the BIOS loads the first sector, and where that loads the second. */
const LOADED = 0x7c00;
const BUFFER = 0x7e00;
/** Where in the sector the disk address packet is. */
const PACKET = 0x80;

/**
 * A disk's beginning, bootable by a BIOS: the first sector reads the second one, prints it on the first serial port up to a
 * 0, and writes it to the third. 16-bit code, put together by hand.
 */
export function bootableSectors(message: string): Buffer {
  const sectors = Buffer.alloc(2 * SECTOR);
  Buffer.from(code()).copy(sectors);
  Buffer.from(diskAddressPacket(1)).copy(sectors, PACKET);
  sectors.writeUInt16LE(0xaa55, SECTOR - 2);
  sectors.write(`${message}\n\0`, SECTOR, "latin1");
  return sectors;
}

function code(): number[] {
  return [
    [0x31, 0xc0], // xor ax, ax
    [0x8e, 0xd8], // mov ds, ax
    [0xbe, ...word(LOADED + PACKET)], // mov si, packet
    [0xb4, 0x42], // mov ah, 42h: read by packet; dl is still the disk
    [0xcd, 0x13], // int 13h
    [0x72, 0x26], // jc end
    [0xc6, 0x06, ...word(LOADED + PACKET + 8), 0x02], // mov byte [packet.lba], 2
    [0xb8, 0x00, 0x43], // mov ax, 4300h: write by packet
    [0xcd, 0x13], // int 13h
    [0x72, 0x1a], // jc end
    [0xbe, ...word(BUFFER)], // mov si, buffer
    // next:
    [0xac], // lodsb
    [0x84, 0xc0], // test al, al
    [0x74, 0x12], // jz end
    [0x88, 0xc3], // mov bl, al
    [0xba, 0xfd, 0x03], // mov dx, 3fdh: line status
    // wait:
    [0xec], // in al, dx
    [0xa8, 0x20], // test al, 20h: the port takes a byte
    [0x74, 0xfb], // jz wait
    [0x88, 0xd8], // mov al, bl
    [0xba, 0xf8, 0x03], // mov dx, 3f8h
    [0xee], // out dx, al
    [0xeb, 0xe9], // jmp next
    // end:
    [0xf4], // hlt
    [0xeb, 0xfd], // jmp end
  ].flat();
}

/** One sector from `lba` into the buffer (Enhanced Disk Drive Specification, 16 bytes). */
function diskAddressPacket(lba: number): number[] {
  return [16, 0, ...word(1), ...word(BUFFER), ...word(0), ...word(lba), 0, 0, 0, 0, 0, 0];
}

function word(value: number): number[] {
  return [value & 0xff, value >> 8];
}
