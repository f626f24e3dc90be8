// The pictures of a card: each is loaded when it is nearly in sight, and shown when it is there.

import * as api from "./api.js";
import { icon, make } from "./elements.js";

const NEAR = "300px";
const FADE_MS = 400;
// Width by height from which on a card lays its cells out for the pictures: it would cut away too much of them.
const TALL = 0.8;
const WIDE = 1.4;
// Of one alone, which has the whole card, it cuts away too much above this, and of an upright one.
const PANORAMA = 2;

// What a browser calls lazy begins thousands of pixels ahead: that is the whole page.
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

/** The kiln glows on behind the pictures until the last of them is there. */
function settle(frame) {
  if (frame.querySelector("img[data-src]:not(.here)")) return;
  const glow = frame.querySelectorAll(".glow-image, .glow");
  setTimeout(() => glow.forEach((each) => each.remove()), FADE_MS);
}

function arrive(frame, image, isAlone) {
  const ratio = image.naturalWidth / image.naturalHeight;
  frame.classList.toggle("tall", ratio < TALL);
  frame.classList.toggle("wide", ratio > WIDE);
  // Shown whole, it leaves room: it fills that itself, out of focus.
  if (isAlone && (ratio < TALL || ratio > PANORAMA)) image.before(make("img", { class: "haze", src: image.src, alt: "" }));
  image.classList.add("here");
  settle(frame);
}

/** Buttons with these pictures for a frame; `open(at)` is told which one is pressed. */
export function shots(frame, images, open) {
  return images.map(({ url }, at) => {
    const image = make("img", { alt: "", decoding: "async", "data-src": api.link(url) });
    image.addEventListener("load", () => arrive(frame, image, images.length === 1));
    image.addEventListener("error", () => {
      image.replaceWith(icon("picture"));
      settle(frame);
    });
    sight.observe(image);
    return make("button", { type: "button", class: "shot", onclick: () => open(at) }, image);
  });
}
