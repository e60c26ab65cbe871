  const find = (selector) => document.querySelector(selector);
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  const NAMES = ["C", "C sharp", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B"];
  const keyName = (key) => `${NAMES[key % 12]} ${Math.floor(key / 12) - 1}`;
  // What a tool did, or what can be done with it.
  const say = (words) => {
    const box = find("#tools-said");
    if (box) box.textContent = words;
  };
  const drawn = (name, attributes) => {
    const shape = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    return shape;
  };
  // Marks of locked bars in a picture: a shaded box for each, with a padlock in its upper left corner, or the lower one if ``low``.
  // ``pixel``: how long one is there.
  const lockMarks = (boxes, pixel, low) => {
    const group = drawn("g", { class: "locks", "aria-hidden": true });
    for (const box of boxes) {
      group.append(drawn("rect", { ...box, class: "locked" }));
      const d = "M2 6h9v6H2zM3.5 6V4a3 3 0 0 1 6 0v2H8V4a1.5 1.5 0 0 0-3 0v2z";
      const y = box.y + (low ? box.height - 14 * pixel : 2 * pixel);
      group.append(drawn("path", { d, transform: `translate(${box.x + 3 * pixel} ${y}) scale(${pixel})` }));
    }
    return group;
  };
  const spoken = (seconds) => `${Math.round(seconds)} ${Math.round(seconds) === 1 ? "second" : "seconds"}`;
