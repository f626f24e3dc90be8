// Writes moments, durations and sizes: "3 min. ago", "0:42", "412 kB".

import { locale } from "./strings.js";

const SPANS = [["second", 60], ["minute", 60], ["hour", 24], ["day", 30], ["month", 12], ["year", Infinity]];

/** The time since a moment, in words. */
export function ago(milliseconds) {
  let amount = Math.min(0, (milliseconds - Date.now()) / 1000);
  for (const [unit, size] of SPANS) {
    if (Math.abs(amount) < size) return new Intl.RelativeTimeFormat(locale(), { numeric: "auto", style: "short" }).format(Math.round(amount), unit);
    amount /= size;
  }
  return "";
}

/** A day of the API, as a date or as a moment; days are in UTC. */
export function day(value) {
  return new Intl.DateTimeFormat(locale(), { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(value));
}

/** The month of a moment, in UTC. */
export function month(milliseconds) {
  return new Intl.DateTimeFormat(locale(), { month: "long", year: "numeric", timeZone: "UTC" }).format(milliseconds);
}

/** A number, or a decimal string, with at most two decimals. */
export function amount(value) {
  return new Intl.NumberFormat(locale(), { maximumFractionDigits: 2 }).format(Number(value));
}

/** A moment as date and time. */
export function moment(milliseconds) {
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "medium" }).format(milliseconds);
}

/** A duration as a clock shows it: 0:42, 1:02:03. */
export function clock(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** A duration to a tenth of a second up to a minute, then as a clock shows it. */
export function span(milliseconds) {
  return milliseconds < 60_000 ? `${Math.max(0, milliseconds / 1000).toFixed(1)} s` : clock(milliseconds);
}

/** A duration in whole minutes, or in seconds below one. */
export function roughly(seconds) {
  const [unit, value] = seconds < 60 ? ["second", Math.max(1, Math.round(seconds))] : ["minute", Math.round(seconds / 60)];
  return new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "short" }).format(value);
}

/** A size in kB or MB. */
export function size(bytes) {
  return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
