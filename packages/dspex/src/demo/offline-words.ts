/**
 * What the offline rules know of one language, in lists separated by ", ". Entries stand in lower case without accents,
 * the form in which texts are searched; several words match in a row.
 */
export interface LanguageWords {
  /** What tells that a sentence asks for something. */
  readonly asks: string;
  /** What takes the next words back: "no", "instead of". */
  readonly denies: string;
  /** Class → weight → beginnings of words: "charg" finds "charged". The weight says how strongly a word speaks for the class. */
  readonly classes: Readonly<Record<string, Readonly<Record<number, string>>>>;
}

/** Language (ISO 639-1) → its words. */
export const offlineWords: Readonly<Record<string, LanguageWords>> = {
  en: {
    asks: "please, can you, could you, can i, how do, how does, i want, i need, i would like, i'd like, tell me, give me, is there",
    denies: "no, not a, don't want, do not want, don't need, instead of, rather than, without",
    classes: {
      billing: {
        3: "invoice, billing, charged twice, subscription, vat, direct debit, overcharg, receipt, pricing",
        2: "charg, discount, payment method, price, coupon, voucher, promo code, upgrad, downgrad",
        1: "pay, paid, my plan, the plan, card, bank, fee, yearly, monthly, month, cancel, accountant",
      },
      shipping: {
        3: "shipping, shipment, tracking, courier, deliver, parcel, customs, where is my order, not arrived",
        2: "ship, driver, warehouse, package, packing slip, locker, arriv, late, missing, lost",
        1: "order, box, address, label, sent, send, days, pick it up",
      },
      technical: {
        3: "error, crash, bug, firmware, doesn't work, does not work, not working, flicker, defect, pairing, wifi",
        2: "update, broken, connect, restart, reinstall, battery, batteries, reset, sensor, version, blink, export, api",
        1: "app, hub, light, led, settings, install, phone, manual, warranty, screen, page",
      },
      account: {
        3: "password, log in, login, username, sign in, my account, personal data, gdpr, two-factor",
        2: "account, profile, email, e-mail, locked, hacked, unsubscrib, newsletter",
        1: "user, access, delete, website, mail, name, invit",
      },
      refund: {
        3: "refund, money back, reimburs, send it back, give me back, return label",
        2: "return, get my money, get the full, unopened, unused",
        1: "back, money, exchange, replacement, cracked",
      },
    },
  },
  de: {
    asks: "bitte, konnen sie, kann ich, konnt ihr, wie kann, wie bekomme, ich mochte, ich will, ich brauche, ich hatte gern, ich wurde gern, sagen sie",
    denies: "kein, nicht um, ohne, statt",
    classes: {
      billing: {
        3: "rechnung, abo, abgebucht, abbuchung, lastschrift, zahlungsart, mwst, ust, preiserhohung, doppelt berechnet",
        2: "rabatt, gutschein, preis, kreditkarte, kundig, tarif, berechnet, mahnung",
        1: "zahl, bezahlt, karte, kostet, kosten, steuer, buchhaltung, monat, betrag",
      },
      shipping: {
        3: "sendung, lieferung, versand, verschick, paket, zusteller, zoll, liefer, wo bleibt",
        2: "packstation, filiale, fahrer, unterwegs, angekommen, nicht da, fehlen, schicken, lager",
        1: "bestellung, bestellt, wochen, kam, adresse, losgeschickt, abholen",
      },
      technical: {
        3: "fehler, absturz, sturzt, defekt, funktioniert nicht, geht nicht, kaputt, firmware, wlan, verbindet",
        2: "update, problem, neu gestartet, neu installiert, batterie, blinkt, zurucksetz, version, sensor, garantie, reparatur",
        1: "app, gerat, hub, led, licht, handy, anleitung, kabel, einrichtung, lauft, router",
      },
      account: {
        3: "passwort, anmelden, mein konto, einloggen, eingeloggt, benutzername, datenschutz, zugang, profil",
        2: "konto, e mail adresse, registriert, gesperrt, newsletter, loschen",
        1: "mail, name, daten, kundenkonto, login, nutzer",
      },
      refund: {
        3: "widerruf, erstatt, ruckerstattung, geld zuruck, mein geld, zuruckgeben, zurucksend, vom kauf zuruck",
        2: "retour, rucksendung, uberweisen sie mir, kaufpreis, umtausch, gefallt mir",
        1: "zuruck, geld, ersatz, unbenutzt, ausgepackt",
      },
    },
  },
  es: {
    asks: "por favor, pueden, puedo, podrian, quiero, quisiera, necesito, como puedo, como hago, les ruego, diganme, prefiero",
    denies: "no quiero, no necesito, no un, no una, sin, ningun, en vez de, en lugar de",
    classes: {
      billing: {
        3: "factura, cobrado, cobro, cargo, suscripcion, iva, recibo, domiciliacion, forma de pago, tarifa",
        2: "descuento, precio, cupon, oferta, codigo, tarjeta, pago, cancel",
        1: "pagar, pagado, el plan, plan anual, banco, mes, importe, gestor, euros, suben",
      },
      shipping: {
        3: "envio, seguimiento, paquete, transporte, repartidor, mensajero, no ha llegado, aduana, donde esta mi pedido",
        2: "enviado, entrega, almacen, falta, perdido, retras, llegar, tarda, caja",
        1: "pedido, direccion, semana, llega, dias, codigo postal, manden",
      },
      technical: {
        3: "error, fallo, no funciona, no se conecta, se cierra, defectuos, firmware, wifi, averia",
        2: "actualizacion, reinici, parpadea, instal, version, pilas, sensor, configuracion, roto, problema, no enciende",
        1: "app, aplicacion, hub, luz, movil, telefono, manual, aparato, garantia, notificacion, pantalla",
      },
      account: {
        3: "contrasena, mi cuenta, usuario, iniciar sesion, mis datos, baja, registr",
        2: "cuenta, perfil, acceso, correo, seguridad, bloquead",
        1: "entrar, borr, nombre, datos, web, invit",
      },
      refund: {
        3: "reembols, devolucion, devolv, devuelv, mi dinero",
        2: "devuelt, dinero, de vuelta, sin usar, desistimiento",
        1: "vuelta, cambio, caja, rota, importe",
      },
    },
  },
};
