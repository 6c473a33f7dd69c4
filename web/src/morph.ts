// Makes one tree of elements like another with as few changes as possible: focus, selection and
// scroll positions stay where the reader has them.
// SPDX-License-Identifier: Apache-2.0

/** Parts that a script of ours keeps, and forms that somebody may be filling in. */
const kept = (node: Node) =>
  node instanceof Element && (node.matches("#log, #logbar, form") || node.contains(document.activeElement) && node.matches("input, select"));

function sameKind(a: Node, b: Node): boolean {
  if (a.nodeType !== b.nodeType || a.nodeName !== b.nodeName) return false;
  return !(a instanceof Element && b instanceof Element) || a.id === b.id;
}

function copyAttributes(from: Element, to: Element): void {
  for (const { name } of [...to.attributes]) if (!from.hasAttribute(name)) to.removeAttribute(name);
  for (const { name, value } of [...from.attributes])
    if (to.getAttribute(name) !== value) to.setAttribute(name, value);
}

/** Makes `to` like `from`, which is used up. */
export function morph(to: Node, from: Node): void {
  if (kept(to)) return;
  if (to instanceof Element && from instanceof Element) copyAttributes(from, to);
  else if (to.nodeValue !== from.nodeValue) to.nodeValue = from.nodeValue;
  let at: ChildNode | null = to.firstChild;
  for (const wanted of [...from.childNodes]) {
    if (at !== null && sameKind(at, wanted)) {
      morph(at, wanted);
      at = at.nextSibling;
      continue;
    }
    const found = wanted instanceof Element && wanted.id !== "" ? findChild(to, wanted) : null;
    if (found === null) {
      to.insertBefore(wanted, at);
      continue;
    }
    to.insertBefore(found, at);
    morph(found, wanted);
  }
  while (at !== null) {
    const next: ChildNode | null = at.nextSibling;
    if (!kept(at)) at.remove();
    at = next;
  }
}

function findChild(parent: Node, like: Element): Element | null {
  for (const child of parent.childNodes)
    if (child instanceof Element && child.id === like.id && child.nodeName === like.nodeName) return child;
  return null;
}
