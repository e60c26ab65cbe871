  const find = (selector) => document.querySelector(selector);
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  const NAMES = ["C", "C sharp", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B"];
  const keyName = (key) => `${NAMES[key % 12]} ${Math.floor(key / 12) - 1}`;
  const spoken = (seconds) => `${Math.round(seconds)} ${Math.round(seconds) === 1 ? "second" : "seconds"}`;
