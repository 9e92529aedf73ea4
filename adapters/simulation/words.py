"""The words that the fictitious company's world is made of; nobody and nothing here exists."""

from __future__ import annotations

import unicodedata
from random import Random


def _each(words: str) -> tuple[str, ...]:
    return tuple(words.split())


GIVEN = _each(
    "Abóbora Alecrim Ameixa Amêndoa Anis Avelã Baunilha Brisa Canela Cereja Cometa Cravinho Fagulha Farol Figo "
    "Framboesa Funcho Gaivota Girassol Gengibre Hortelã Loureiro Madressilva Manjerico Marmelo Musgo Noz Nuvem Orvalho "
    "Papoila Pirilampo Pólen Romã Rouxinol Salva Sardinha Tangerina Tomilho Trevo Trovoada"
)
FAMILY = _each(
    "Água-Furtada Barco-Novo Casca-de-Noz Céu-Aberto Chave-de-Prata Dois-Moinhos Fio-de-Lã Lua-Nova Maré-Cheia "
    "Meia-Volta Meio-Dia Monte-Raso Nó-de-Marinheiro Pé-de-Vento Pedra-Mole Pinga-Azul Ponto-e-Vírgula Porta-Estreita "
    "Quebra-Mar Quinta-Feira Roda-Viva Sete-Luas Sol-Posto Terra-Quente Três-Pontes Trinta-Degraus Vale-Fundo "
    "Vento-Norte Verde-Pinho Vira-Página"
)
THINGS = _each(
    "Abóbora Andorinha Aquário Armazém Azenha Baleia Barco Bússola Cacto Candeeiro Caracol Carrossel Chaleira Coreto "
    "Cortiça Escada Estrela Farol Guarda-Chuva Jangada Lagarta Lanterna Moinho Novelo Ouriço Papagaio Pêndulo Relógio "
    "Salina Telhado"
)
QUALITIES = _each("Alegre Ambulante Calmo de-Papel de-Vidro do-Avesso Feliz Imaginário Invisível Lento Redondo Sonoro")
FORMS = ("Lda.", "S.A.", "& Filhos", "Unipessoal", "Cooperativa")
DOMAINS = ("correio.example", "caixa.example.com", "papel.example", "postal.example.com")
TOWNS = ("Vila Imaginária", "Porto Inventado", "Aldeia do Faz-de-Conta", "Monte Nenhures", "Santa Hipótese")
SECTORS = ("hospitality", "retail", "crafts", "education", "health", "logistics")
SOURCES = ("website", "fair", "recommendation", "distributor", "telephone", "newsletter")
COMPETITORS = ("Farol Velho, S.A.", "Irmãos Relâmpago", "Caixote & Caixote", "Importadora Lusco-Fusco")
CARRIERS = ("Caracol Expresso", "Estafeta Vento em Popa", "Correio da Aldeia")

OPENINGS = (
    "{who} asked whether the {product} comes in blue",
    "{who} praised the {product} and will tell the neighbours",
    "{who} would like a quotation for more of the {product}",
    "{who} wanted to know when the {product} arrives",
    "{who} asked how to return the {product}",
    "{who} compared the {product} with what others offer",
    "{who} asked for a visit to see the {product}",
    "{who} was told about the new price of the {product}",
)
ENDINGS = (
    "an answer went out the same day.",
    "we call again next week.",
    "nothing more to do.",
    "the seller will look into it.",
    "brochure sent.",
    "they were in a good mood.",
)
COMPLAINTS = (
    "The {product} of {who} makes a strange noise",
    "{who} received one {product} too few",
    "{who} cannot find the instructions of the {product}",
    "The {product} for {who} arrived with a crack",
    "{who} was charged twice for the {product}",
    "{who} asks for a spare part of the {product}",
)
NOTES = (
    "{who} prefers to be called after lunch.",
    "{who} decides together with two colleagues.",
    "{who} always orders before the summer.",
    "{who} was disappointed once by a late delivery and remembers it.",
    "{who} collects everything with sardines on it.",
)
MINUTES = "{who} and we went through point {n} of the list: quantities, colours, delivery days; agreed. "


def person_name(rng: Random) -> str:
    return f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}"


def company_name(rng: Random) -> str:
    return f"{rng.choice(THINGS)} {rng.choice(QUALITIES).replace('-', ' ')} {rng.choice(FORMS)}"


def email(name: str, number: int) -> str:
    """In a domain that is reserved for examples."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    local = ".".join("".join(letter for letter in word if letter.isalnum()) for word in plain.split())
    return f"{local.strip('.')}.{number}@{DOMAINS[number % len(DOMAINS)]}"


def telephone(number: int) -> str:
    """Under a country code that no country has."""
    return f"+999 2{number // 1_000_000 % 10} {number // 1000 % 1000:03d} {number % 1000:03d}"


def address(rng: Random, number: int) -> str:
    return f"Rua do {rng.choice(THINGS)} {number % 300 + 1}, 0000-{number % 1000:03d} {rng.choice(TOWNS)}"


def remark(rng: Random, who: str, product: str) -> str:
    return f"{rng.choice(OPENINGS).format(who=who, product=product)}; {rng.choice(ENDINGS)}"


def complaint(rng: Random, who: str, product: str) -> str:
    return f"{rng.choice(COMPLAINTS).format(who=who, product=product)}."


def note(rng: Random, who: str) -> str:
    return rng.choice(NOTES).format(who=who)


def minutes(who: str, points: int = 120) -> str:
    """Long enough for the content store."""
    return "".join(MINUTES.format(who=who, n=n + 1) for n in range(points))
