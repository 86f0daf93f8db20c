// What goes on: a card per task with the event, its confidence, and what else it could be.

export class Now {
  constructor(place) {
    this.place = place;
    this.cards = new Map();
  }

  // Returns the names of the tasks in their order.
  show(classes, current) {
    const tasks = [...new Set([...Object.keys(classes), ...Object.keys(current)])];
    for (const task of tasks) {
      if (!this.cards.has(task)) this.#add(task);
      this.#fill(this.cards.get(task), classes[task] ?? [], current[task] ?? null);
    }
    return tasks;
  }

  #add(task) {
    const card = element("article", "task card");
    card.dataset.color = this.cards.size % 4;
    card.dataset.task = task;
    const title = element("h2");
    const name = element("b");
    name.textContent = task;
    const since = element("span");
    title.append(name, since);
    const label = element("p", "label");
    const meter = makeMeter();
    const others = element("ol", "others");
    card.append(title, label, meter, others);
    this.cards.set(task, { card, since, label, meter, others });
    this.place.append(card);
  }

  #fill(parts, classes, current) {
    parts.card.classList.toggle("nothing", current === null);
    parts.label.textContent = current?.label ?? "nothing";
    setMeter(parts.meter, current?.confidence ?? 0);
    parts.since.textContent = current ? `${Math.round(100 * (current.confidence ?? 0))} %` : "";
    while (parts.others.children.length > classes.length) parts.others.lastChild.remove();
    classes.forEach(([name, probability], i) => {
      let row = parts.others.children[i];
      if (!row) {
        row = element("li");
        row.append(element("span"), makeMeter(), element("b"));
        parts.others.append(row);
      }
      row.children[0].textContent = name;
      setMeter(row.children[1], probability ?? 0);
      row.children[2].textContent = probability === null ? "" : `${Math.round(100 * probability)} %`;
    });
  }
}

function element(name, className = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  return made;
}

function makeMeter() {
  const meter = element("div", "meter");
  meter.append(element("i"));
  return meter;
}

function setMeter(meter, value) {
  meter.firstChild.style.transform = `scaleX(${Math.min(1, Math.max(0, value)).toFixed(2)})`;
}
