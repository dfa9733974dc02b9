// Names are sent in addresses, and a coordinator reads an address of 8 KiB at most.
const MOST_CHARACTERS = 4_000; // which leaves room for a selector

// Take as many of a set of names as fit into one address, and at most so many.
export function take(names, most) {
  const taken = [];
  let room = MOST_CHARACTERS;
  for (const name of names) {
    room -= encodeURIComponent(`${name},`).length;
    if (taken.length === most || (room < 0 && taken.length)) break;
    taken.push(name);
    names.delete(name);
  }
  return taken;
}

// Return all names in such pieces.
export function inPieces(names, most) {
  const left = new Set(names);
  const pieces = [];
  while (left.size) pieces.push(take(left, most));
  return pieces;
}
