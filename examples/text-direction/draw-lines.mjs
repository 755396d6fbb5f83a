// Draws lines of text, half of them upside down, as JPEG files with a labels.csv: the data of the demo. The same seed
// gives the same lines on every machine that has the same fonts package.
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createCanvas, GlobalFonts } from "@napi-rs/canvas";

const WIDTH = 192;
const HEIGHT = 48;
const FONTS = [
  "DejaVuSans",
  "DejaVuSans-Bold",
  "DejaVuSerif",
  "DejaVuSerif-Italic",
  "DejaVuSansMono",
  "DejaVuSansCondensed",
];
const WORDS = (
  "the quick brown fox jumps over a lazy dog while seven wizards box daily invoice total amount due Monday street " +
  "Number 2024 delivery Berlin coffee table please sign here open closed ticket gate platform Express 17:45 receipt"
).split(" ");

/** Class 0: upright, class 1: turned by 180 degrees (the classes of PP-OCR's direction model). */
export function drawLines(folder, count, seed) {
  const fonts = join(dirname(createRequire(import.meta.url).resolve("dejavu-fonts-ttf/package.json")), "ttf");
  for (const font of FONTS) GlobalFonts.registerFromPath(join(fonts, `${font}.ttf`), font);
  mkdirSync(folder, { recursive: true });
  const random = randomNumbers(seed);
  const rows = Array.from({ length: count }, (_, index) => {
    const name = `line-${String(index).padStart(4, "0")}.jpg`;
    const turned = index % 2;
    writeFileSync(join(folder, name), drawLine(random, turned === 1).toBuffer("image/jpeg", 85));
    return `${name},${turned}`;
  });
  writeFileSync(join(folder, "labels.csv"), `file,class\n${rows.join("\n")}\n`);
}

function drawLine(random, turned) {
  const canvas = createCanvas(WIDTH, HEIGHT);
  const context = canvas.getContext("2d");
  const dark = random() < 0.3;
  context.fillStyle = shade(random, dark ? 20 : 200, 50);
  context.fillRect(0, 0, WIDTH, HEIGHT);
  if (turned) {
    context.translate(WIDTH, HEIGHT);
    context.rotate(Math.PI);
  }
  context.translate(WIDTH / 2, HEIGHT / 2);
  context.rotate((random() - 0.5) * 0.06);
  context.fillStyle = shade(random, dark ? 180 : 10, 70);
  context.font = `${20 + Math.floor(random() * 14)}px "${FONTS[Math.floor(random() * FONTS.length)]}"`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(
    phrase(random, (text) => context.measureText(text).width < WIDTH - 8),
    0,
    (random() - 0.5) * 6,
  );
  return canvas;
}

/** Words until the line is full. */
function phrase(random, fits) {
  let line = WORDS[Math.floor(random() * WORDS.length)];
  for (;;) {
    const longer = `${line} ${WORDS[Math.floor(random() * WORDS.length)]}`;
    if (!fits(longer)) return line;
    line = longer;
  }
}

function shade(random, base, spread) {
  const channel = () => Math.floor(base + random() * spread);
  return `rgb(${channel()}, ${channel()}, ${channel()})`;
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
