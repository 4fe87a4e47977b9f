/**
 * The page's script, as text: tables that sort by a click on a head, rows that are chosen by words, ladders that open when something leads
 * to them. Without it everything can be read all the same; it makes nothing but buttons, and reads only what the page shows.
 * The policy of the page allows this very text by its hash.
 */

/** SHA-256 of `pageScript` in base64; a test says what it must be. */
export const pageScriptHash = '0PQh1cVOCZjrMUce7wLZ/x73InA1ZQ80TFO6knElqmY=';

export const pageScript = `'use strict';
(() => {
  const valueOf = (row, column) => {
    const cell = row.cells[column];
    return cell === undefined ? '' : cell.dataset.value ?? cell.textContent.trim();
  };
  for (const table of document.querySelectorAll('table[data-sortable]')) {
    const heads = [...table.tHead.rows[0].cells];
    const body = table.tBodies[table.tBodies.length - 1];
    for (const [column, head] of heads.entries()) {
      const kind = head.dataset.sort;
      if (kind === undefined) continue;
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'sort';
      button.append(...head.childNodes);
      head.append(button);
      head.setAttribute('aria-sort', 'none');
      button.addEventListener('click', () => {
        const down = head.getAttribute('aria-sort') === 'ascending';
        for (const other of heads) if (other.hasAttribute('aria-sort')) other.setAttribute('aria-sort', 'none');
        head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        const sign = down ? -1 : 1;
        const keyed = [...body.rows].map((row) => ({ row, value: valueOf(row, column) }));
        keyed.sort((a, b) => sign * (kind === 'number' ? a.value - b.value : a.value.localeCompare(b.value)));
        body.append(...keyed.map(({ row }) => row));
      });
    }
  }
  for (const form of document.querySelectorAll('form[data-filter]')) {
    const table = document.getElementById(form.dataset.filter);
    const rows = [...table.tBodies[table.tBodies.length - 1].rows];
    const texts = new Map(rows.map((row) => [row, [...row.cells].map((cell) => cell.textContent).join(' ').toLowerCase()]));
    const input = form.querySelector('input[type=search]');
    const only = form.querySelector('input[data-only]');
    const output = form.querySelector('output');
    const choose = () => {
      const words = input.value.toLowerCase().split(/\\s+/).filter((word) => word !== '');
      let shown = 0;
      for (const row of rows) {
        const fits = words.every((word) => texts.get(row).includes(word)) && (only === null || !only.checked || row.hasAttribute('data-bad'));
        row.hidden = !fits;
        if (fits) shown += 1;
      }
      output.textContent = shown === rows.length ? '' : shown + ' of ' + rows.length + ' rows';
    };
    form.hidden = false;
    form.addEventListener('input', choose);
    form.addEventListener('submit', (event) => event.preventDefault());
    choose();
  }
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target === null) return;
    const around = target.closest('details');
    if (around !== null && !around.open) {
      around.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener('hashchange', reveal);
  reveal();
})();
`;
