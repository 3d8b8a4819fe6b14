// Drawings: from the server's JSON to images on a canvas.

/** Adds to a drawing its `steps`, `height`, `width` and `frames`, an ImageData for each step. */
export function unpacked(drawing) {
  const [steps, height, width, channels] = drawing.shape;
  const pixels = bytes(drawing.canvases);
  const size = height * width * channels;
  const frames = Array.from({ length: steps }, (_, step) =>
    imageData(pixels.subarray(step * size, (step + 1) * size), height, width, channels),
  );
  return { ...drawing, steps, height, width, frames };
}

/** Puts one step on a canvas, pixel for pixel; the style sheet enlarges the canvas. */
export function paint(canvas, drawing, step) {
  if (canvas.width !== drawing.width) canvas.width = drawing.width;
  if (canvas.height !== drawing.height) canvas.height = drawing.height;
  canvas.getContext("2d").putImageData(drawing.frames[step], 0, 0);
}

/** A canvas with a step whose pixels are enlarged to squares, at least `side` pixels wide. */
export function enlarged(drawing, step, side) {
  const original = document.createElement("canvas");
  paint(original, drawing, step);
  const factor = Math.ceil(side / Math.max(drawing.width, drawing.height));
  const canvas = document.createElement("canvas");
  canvas.width = factor * drawing.width;
  canvas.height = factor * drawing.height;
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(original, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** Base64 to bytes. */
export function bytes(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function imageData(pixels, height, width, channels) {
  const image = new ImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) {
      image.data[4 * i + c] = pixels[channels * i + (channels === 1 ? 0 : c)];
    }
    image.data[4 * i + 3] = 255;
  }
  return image;
}
