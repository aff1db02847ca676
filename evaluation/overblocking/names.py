"""Names that somebody may ask to have forgotten: well-known people and characters, and TOFU's invented authors."""

from __future__ import annotations

from evaluation.detection.sets import Forget

# Chosen before anything was measured: names of several languages, some of them ordinary words, some of three words.
KNOWN = """
    Albert Einstein; Marie Curie; Isaac Newton; Charles Darwin; Ada Lovelace; Alan Turing; Nikola Tesla; Galileo Galilei
    Harry Potter; Hermione Granger; Ron Weasley; Albus Dumbledore; Severus Snape; J.K. Rowling; Frodo Baggins; Luke Skywalker
    William Shakespeare; Jane Austen; Charles Dickens; Mark Twain; Leo Tolstoy; Virginia Woolf; George Orwell; Agatha Christie
    Stephen King; Toni Morrison; Gabriel García Márquez; Haruki Murakami; Maya Angelou; Ernest Hemingway; James Joyce
    Barack Obama; Angela Merkel; Nelson Mandela; Winston Churchill; Margaret Thatcher; Martin Luther King; Theodore Roosevelt
    Rosa Parks; Mahatma Gandhi; Napoleon Bonaparte; Julius Caesar; Queen Victoria; Joan of Arc; Christopher Columbus
    Michael Jackson; Freddie Mercury; Elvis Presley; Taylor Swift; Bob Dylan; Miles Davis; Johann Sebastian Bach; Frédéric Chopin
    Vincent van Gogh; Leonardo da Vinci; Frida Kahlo; Pablo Picasso; Claude Monet; Georgia O'Keeffe
    Neil Armstrong; Amelia Earhart; Usain Bolt; Serena Williams; Roger Federer; Michael Jordan; Cristiano Ronaldo; Tiger Woods
    Steve Jobs; Bill Gates; Elon Musk; Grace Hopper; Tim Berners-Lee; Linus Torvalds; Mark Zuckerberg
    Will Smith; Rose Marie; Frank Cotter; Chase Banks; Mary Land; Justin Case; Art Ichokes
    Zbigniew Brzeziński; Алексей Толстой; Søren Kierkegaard; Jürgen Habermas; Sigríður Jónsdóttir; Nguyễn Văn Thiệu
    Mustafa Kemal Atatürk; Imre Kertész; Aino Kallas; Ludwig van Beethoven; Simone de Beauvoir
"""


def known() -> list[str]:
    """Return well-known names."""
    return [name.strip() for line in KNOWN.strip().splitlines() for name in line.split(";")]


def invented() -> list[str]:
    """Return the names of the twenty authors of TOFU's forget10. Raises FileNotFoundError: the dataset is missing."""
    return list(dict.fromkeys(Forget("forget10").names))
