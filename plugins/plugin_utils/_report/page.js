// Copyright (c) 2026, ozonetel.cloudagent contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

"use strict";
{
  const [tools, search, count] = ["tools", "search", "count"].map((id) => document.getElementById(id));
  const accounts = [...document.querySelectorAll(".account")];
  const groups = [...document.querySelectorAll(".campaigns")];
  const campaigns = groups.flatMap((group) => [...group.children]);
  const shared = [...document.querySelectorAll(".shared > li")];
  const fold = (text) => text.normalize("NFKC").toLowerCase();

  // A campaign is found by what its row shows, not by its history. Read once, when somebody searches.
  const read = () => {
    const texts = new Map(shared.map((row) => [row, fold(row.textContent)]));
    for (const row of campaigns) {
      const values = [row.firstChild, ...row.getElementsByTagName("dd")].map((part) => part.textContent);
      texts.set(row, fold(values.join("\n")));
    }
    return texts;
  };

  let texts;
  const show = (rows, words) => {
    let shown = 0;
    for (const row of rows) {
      const found = words.every((word) => texts.get(row).includes(word));
      if (row.hidden === found) row.hidden = !found;
      shown += found;
    }
    return shown;
  };

  const find = () => {
    texts ??= read();
    const words = fold(search.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const group of groups) {
      const rows = show(group.children, words);
      group.hidden = !rows;
      group.style.setProperty("--rows", rows);
      shown += rows;
    }
    show(shared, words);
    for (const account of accounts) account.hidden = !account.querySelector(".campaigns:not([hidden]), .shared > :not([hidden])");
    const [some, all] = [shown, campaigns.length].map((number) => number.toLocaleString("en"));
    count.value = words.length ? `${some} of ${all} campaigns` : "";
  };

  for (const group of groups) group.style.setProperty("--rows", group.children.length);
  search.addEventListener("input", find);
  tools.hidden = false;
  // A browser that goes back to this page may have kept what was typed.
  if (search.value) find();
}
