import { describe, expect, it } from "@jest/globals";
import { factsOf } from "../../packages/dspex/src/demo/offline-facts.ts";

describe("offline rules, asked for facts", () => {
  it.each<[string, string, readonly string[]]>([
    ["order_ids", "Order #A-48213 and #A-48977, not E-41.", ["#A-48213", "#A-48977"]],
    [
      "order_ids",
      "Bestellung Nr. 12345, pedido número B-20031 y order number: 777001",
      ["12345", "B-20031", "777001"],
    ],
    ["order_ids", "My order 66 and the VAT number GB 284 1190 22, NIF B-50998127.", []],
    ["ids", "See #7 and #A-48213, id 4711.", ["#7", "#A-48213", "4711"]],
    ["customer_ids", "Customer C-1001 wrote about #A-48213.", ["C-1001"]],
    ["order_id", "#A-1, #A-1", ["#A-1"]],
    [
      "dates",
      "Since Nov 2, since November 3rd, 2025, until the 9th of November and the 14th.",
      ["Nov 2", "November 3rd, 2025", "9th of November", "14th"],
    ],
    [
      "dates",
      "Am 1. und am 3. Oktober, vom 26.10. bis 30.11.2025, am 12.09., seit 2. März",
      ["1.", "3. Oktober", "26.10.", "30.11.2025", "12.09.", "2. März"],
    ],
    [
      "dates",
      "El día 6, el 28 de octubre y el 1 de diciembre de 2025.",
      ["día 6", "28 de octubre", "1 de diciembre de 2025"],
    ],
    ["dates", "Bought 10/30, shipped 2025-11-02, in May, 24/7.", ["10/30", "2025-11-02"]],
    ["dates", "Firmware 3.2.1, version 5.8.0. I paid $12.11. In May 80 % were dry.", []],
    [
      "amounts",
      "It was $129.00, £89 and 1.299,50 €, or 20 Euro, 40 % off.",
      ["$129.00", "£89", "1.299,50 €", "20 Euro"],
    ],
    ["prices", "9,99 € y otros 9,99 €, 14 plantas, 3 eurosport", ["9,99 €"]],
    [
      "products",
      "The Brightleaf Hub and two Sprout Sensors, a Leaf Planter XL, the Sunbar 60.",
      ["Brightleaf Hub", "Sprout Sensors", "Leaf Planter XL", "Sunbar 60"],
    ],
    [
      "products",
      "Der Ersatz-Hub, die Bodensensoren, mein Brightleaf-Plus-Abo: hub, HUB",
      ["Hub", "Bodensensoren", "Brightleaf-Plus"],
    ],
    ["products", "The github page, two kits, Android 14, Mill Lane", ["kits"]],
  ])("find %s by pattern in %j", (field, text, expected) => {
    expect(factsOf(field, text)).toEqual(expected);
  });

  it("know no pattern for other fields", () => {
    for (const field of ["facts", "names", "s", "", "order"])
      expect(factsOf(field, "Order #A-1, 1.1.2025, 2 €")).toBeUndefined();
  });

  it("G4: take time in proportion to the text, whatever stands in it", () => {
    for (const piece of ["#1 ", "A ", "a-", "1.", "#", " ", "am 1", "ä", "$1,", "order "])
      for (const field of ["order_ids", "ids", "dates", "amounts", "products"])
        factsOf(field, piece.repeat(200_000));
  });
});
