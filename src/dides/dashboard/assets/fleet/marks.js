// How one instance is drawn: a shape with a colour for its status, and for its version a shade and ticks beneath.
// What is drawn alike is drawn once, and copied from then on.
export const OTHER = 4; // the mark of all versions but the four that have marks of their own
export const NONE = 5; // of those that have not said what they run
export const PLAIN = -1; // where no version is meant
const KINDS = ["unknown", "healthy", "degraded", "failed", "unreachable"];
const COLOURS = { healthy: "--healthy", degraded: "--degraded", failed: "--failed", unknown: "--unknown", unreachable: "--unknown" };

// What is drawn of an instance, with a number that is the same for all that look the same.
export function look({ kind, updating = false, differs = false }) {
  return { kind, updating, differs, look: KINDS.indexOf(kind) + 8 * updating + 16 * differs };
}

export class Marks {
  #copies = new Map();
  #colours = {};

  constructor() {
    const again = () => this.#copies.clear();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  }

  colour(name) {
    if (!this.#copies.size) this.#colours = {};
    return (this.#colours[name] ??= getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  }

  // The picture of an instance with a version's mark, for a cell of so many device pixels. Asked for each cell of each
  // frame: the key is a number, because to put texts together would take longer than to draw.
  of(instance, mark, width, height) {
    const key = ((instance.look * 8 + mark + 1) * 1024 + width) * 1024 + height;
    const known = this.#copies.get(key);
    if (known) return known;
    const picture = Object.assign(document.createElement("canvas"), { width, height });
    this.#draw(picture.getContext("2d"), instance, mark, width, height);
    this.#copies.set(key, picture);
    return picture;
  }

  #draw(pen, { kind, updating, differs }, mark, width, height) {
    const gap = Math.max(1, Math.round(width * 0.06));
    const [right, bottom] = [width - gap, height - gap];
    if (mark !== NONE && mark !== PLAIN) {
      pen.fillStyle = this.colour(`--version-${mark}`);
      pen.fillRect(0, 0, right, bottom);
    }
    const strip = Math.max(2, Math.round(height * 0.13));
    this.#ticks(pen, mark, right, bottom - strip, strip);
    const radius = Math.min(right, bottom - strip - 1) / 2;
    const [x, y] = [right / 2, (bottom - strip) / 2];
    pen.fillStyle = pen.strokeStyle = this.colour(COLOURS[kind]);
    draw[kind](pen, x, y, radius * (updating ? 0.5 : 0.82));
    if (updating) {
      pen.strokeStyle = this.colour("--updating");
      pen.lineWidth = Math.max(1.5, radius * 0.14);
      diamond(pen, x, y, radius - pen.lineWidth / 2);
    }
    if (differs) {
      pen.fillStyle = this.colour("--text");
      corner(pen, right, Math.max(3, radius * 0.6));
    }
  }

  // None for the first version, then one, two and three, a whole line for the others, and its outline for no version.
  #ticks(pen, mark, width, y, height) {
    pen.fillStyle = pen.strokeStyle = this.colour("--soft");
    pen.lineWidth = 1;
    if (mark === OTHER) pen.fillRect(0, y, width, height);
    else if (mark === NONE) pen.strokeRect(0.5, y + 0.5, width - 1, height - 1);
    else for (let tick = 0; tick < mark; tick++) pen.fillRect(Math.round((tick * width) / 3), y, Math.floor(width / 3) - 1, height);
  }
}

const draw = {
  healthy(pen, x, y, radius) {
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.fill();
  },
  degraded(pen, x, y, radius) {
    pen.beginPath();
    pen.moveTo(x, y - radius);
    pen.lineTo(x + radius, y + radius * 0.85);
    pen.lineTo(x - radius, y + radius * 0.85);
    pen.fill();
  },
  failed(pen, x, y, radius) {
    pen.lineWidth = Math.max(2, radius * 0.55);
    const reach = radius - pen.lineWidth / 3;
    line(pen, x - reach, y - reach, x + reach, y + reach);
    line(pen, x - reach, y + reach, x + reach, y - reach);
  },
  unknown(pen, x, y, radius) {
    pen.lineWidth = Math.max(1.5, radius * 0.3);
    pen.beginPath();
    pen.arc(x, y, radius - pen.lineWidth / 2, 0, 2 * Math.PI);
    pen.stroke();
  },
  unreachable(pen, x, y, radius) {
    draw.unknown(pen, x, y, radius);
    line(pen, x - radius * 0.9, y + radius * 0.9, x + radius * 0.9, y - radius * 0.9);
  },
};

function line(pen, fromX, fromY, toX, toY) {
  pen.beginPath();
  pen.moveTo(fromX, fromY);
  pen.lineTo(toX, toY);
  pen.stroke();
}

function diamond(pen, x, y, radius) {
  pen.beginPath();
  pen.moveTo(x, y - radius);
  pen.lineTo(x + radius, y);
  pen.lineTo(x, y + radius);
  pen.lineTo(x - radius, y);
  pen.closePath();
  pen.stroke();
}

function corner(pen, right, size) {
  pen.beginPath();
  pen.moveTo(right - size, 0);
  pen.lineTo(right, 0);
  pen.lineTo(right, size);
  pen.fill();
}
