// The pictures of a card: each is loaded shortly before it comes into view.

import * as api from "./api.js";
import { icon, make } from "./elements.js";

const NEAR = "300px";
const FADE_MS = 400;
// Width to height of pictures for which a card changes the layout of its cells, as square cells would crop too much.
const TALL = 0.8;
const WIDE = 1.4;
// A single picture that is wider than this, or taller than TALL, is shown whole instead of cropped.
const PANORAMA = 2;

// The browser's lazy loading starts thousands of pixels ahead, which is the whole page here.
const sight = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      sight.unobserve(target);
      target.src = target.dataset.src;
    }
  },
  { rootMargin: NEAR },
);

/** Removes the glow behind the pictures when the last of them is loaded. */
function settle(frame) {
  if (frame.querySelector("img[data-src]:not(.here)")) return;
  const glow = frame.querySelectorAll(".glow-image, .glow");
  setTimeout(() => glow.forEach((each) => each.remove()), FADE_MS);
}

function arrive(frame, image, isAlone) {
  const ratio = image.naturalWidth / image.naturalHeight;
  frame.classList.toggle("tall", ratio < TALL);
  frame.classList.toggle("wide", ratio > WIDE);
  // A picture shown whole leaves room at its sides, which a blurred copy fills.
  if (isAlone && (ratio < TALL || ratio > PANORAMA)) image.before(make("img", { class: "haze", src: image.src, alt: "" }));
  image.classList.add("here");
  settle(frame);
}

/** Makes a button for each picture of a frame; `open(index)` is called when one is pressed. */
export function shots(frame, images, open) {
  return images.map(({ url, preview_url: preview }, at) => {
    const image = make("img", { alt: "", decoding: "async", "data-src": api.link(preview ?? url) });
    image.addEventListener("load", () => arrive(frame, image, images.length === 1));
    image.addEventListener("error", () => {
      image.replaceWith(icon("picture"));
      settle(frame);
    });
    sight.observe(image);
    return make("button", { type: "button", class: "shot", onclick: () => open(at) }, image);
  });
}
