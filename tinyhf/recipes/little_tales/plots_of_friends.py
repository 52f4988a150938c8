"""Recipe · Stories of friends: lost and found, a quarrel, sharing, somebody new, a secret."""

from tinyhf.recipes.little_tales.cast import (
    BAD,
    GLAD,
    GOOD,
    ONE_DAY,
    children,
    grown_up,
    heroes,
    opening,
    toy,
    with_kind,
)
from tinyhf.recipes.little_tales.things import PLACES

THANKS = """[Thank you for helping me|Thank you so much|You are a true friend
    |What would I do without you|You are the best friend of all]"""
FRIENDS_END = """[From that day on, they were the best of friends.
    |They played together until sunset.|After that they shared everything.
    |They walked home side by side.|And they promised each other to be friends forever.]"""


def lost_and_found(rng):
    """A toy is lost; a friend helps to look for it where the hero has been."""
    hero, friend = heroes(rng, 2)
    thing, loved = toy(rng)
    place = rng.choice(PLACES)
    wrong, right = rng.sample(place.spots, 2)
    bad, good = rng.choice(BAD), rng.choice(GLAD)
    begin = rng.choice(
        [
            f"""{with_kind(hero)} was {bad.word} because {hero.he} had lost {hero.his} {thing}.
            {hero.he} loved the {thing.split()[-1]} because {loved}.
            {hero.he} had taken it to the {place} that day, and now it was gone.""",
            f"""{opening(rng, hero)} {hero} had a {thing} and [took it everywhere|loved it very
            much] because {loved}.

            {ONE_DAY}, {hero} went to the {place} to play. {place.view} But when it was time to go
            home, the {thing} was gone! {hero} was {bad.word}, and {hero.fill(bad.shown)}.""",
        ]
    )
    return f"""{begin}

    {friend} [came by|saw it|was near]. "What is the matter, {hero.called}?" asked {friend}. "I
    cannot find my {thing}," said {hero}. "[Do not worry|Do not be {bad.word}|Cheer up]," said
    {friend}. "We will look for it together. Where did you have it last?" "{place.at}," {hero}
    answered.

    So they [went back|ran back|hurried] to the {place}. First they looked {wrong}, but [they
    found only an old shoe|nothing was there|there was only a sleepy beetle]. Then {friend} looked
    {right}. "[Here it is|Come quickly|I see it]!" {friend.he} called. There was the {thing},
    [safe and dry|a little dusty but not broken|just where {hero} had left it].

    {hero} was {good.word}, and {hero.fill(good.shown)}. "{THANKS}, {friend.called}!" {hero.he}
    said. {FRIENDS_END}"""


def quarrel_and_sorry(rng):
    """Two friends want the same toy; one says sorry."""
    hero, friend = heroes(rng, 2)
    thing, loved = toy(rng)
    place = rng.choice(PLACES)
    bad, good = rng.choice(BAD), rng.choice(GLAD)
    short = thing.split()[-1]
    return f"""{opening(rng, hero)} {ONE_DAY}, {hero} and {friend} were playing {place.at}.
    {place.view} There, {rng.choice(place.spots)}, they found a {thing}. "It is mine! I saw it
    first," cried {hero}. "No, it is mine," said {friend}. They both pulled at the {short}, and
    [suddenly|with a loud crack|all at once] it [fell into the mud|flew out of their hands|slipped
    away and hit a stone].

    {friend} was {bad.word} and went [home without a word|away alone]. {hero} sat down with the
    {thing}, but [it was no fun to play alone|playing alone was no fun at all|it did not feel
    good]. {hero} thought about [the angry words|what {hero.he} had said|{hero.his} friend] for a
    long time.

    At last {hero} [cleaned|washed|wiped] the {short} and [went|walked|ran] to find {friend}. "I
    am sorry," said {hero}. "[I should not have shouted|A friend is more important than a
    {short}|I was selfish]. You may have it." {friend} was {good.word}. "I am sorry too,"
    {friend.he} said. "Let us [take turns|play with it together|share it]."

    [So in the morning it was {hero}'s turn, and in the afternoon it was {friend}'s turn.|One day
    {hero} played with the {short}, and the next day {friend} did.] They liked the {thing} because
    {loved}. {FRIENDS_END}"""


TREATS = [
    "a basket of plums", "a warm apple pie", "a bag of nuts", "a loaf of fresh bread",
    "a big piece of cake", "a jar of honey", "a bowl of cherries", "a plate of pancakes",
    "a bag of cookies",
]  # fmt: skip
RETURNS = ["a sandwich", "an apple", "some soup", "a sweet bun", "a pear", "some cheese"]


def sharing(rng):
    """Somebody has a treat, somebody else is hungry; later it comes back."""
    hero, other = heroes(rng, 2)
    giver = grown_up(rng, hero)
    treat = rng.choice(TREATS)
    place = rng.choice(PLACES)
    good = rng.choice(GLAD)
    return f"""{opening(rng, hero)} {ONE_DAY}, {giver} gave {hero} {treat}. "[Enjoy it|This is for
    you|Eat it while it is fresh], my dear," said {giver}. {hero} carried it to the {place} and
    sat down {rng.choice(place.spots)}.

    Then {hero} saw {other}. {other} [looked hungry|had nothing to eat|stood there and said
    nothing]. "[Are you hungry|Did you have no breakfast|Have you no lunch today]?" asked {hero}.
    {other} nodded. "[My bag is empty|I forgot my lunch|I dropped my bread in the water],"
    {other.he} said [in a small voice|quietly]. {hero} [looked at the food|thought for a moment].
    There was only a little, but {hero.he} [gave {other} half of it|gave {other} the bigger
    half|divided it fairly].

    They ate together and [told each other jokes|watched the clouds|talked about everything]. It
    tasted [better than ever|twice as good].

    [A week later|The next day|Some days later], it was {hero} who [was hungry|had forgotten
    {hero.his} lunch]. [Soon|Just then] {other} came with {rng.choice(RETURNS)}. "You shared with
    me, so now I share with you," said {other}. {hero} was {good.word}, and
    {hero.fill(good.shown)}. [Kindness always comes back|What we give away comes back to
    us|Sharing makes two friends happy]."""


def somebody_new(rng):
    """A new child is shy until somebody asks them to play."""
    hero, new = children(rng, 2)
    thing, loved = toy(rng)
    place = rng.choice(PLACES)
    bad, good = rng.choice(BAD), rng.choice(GLAD)
    game = rng.choice(["hide and seek", "tag", "catch", "pirates", "kings and queens", "explorers"])
    return f"""{opening(rng, hero)} {ONE_DAY}, a new family [came to live|moved in] next door.
    They had a {new.kind} named {new}. {new} did not know anybody, and {new.he} felt {bad.word}.
    {new.he} sat alone on the steps with a {thing} in {new.his} hands.

    {hero} saw {new} [from the window|over the fence|through the gate]. "[Maybe {new.he} is shy|I
    would not like to be alone|Nobody should sit alone]," thought {hero}. So {hero.he} went over
    and said, "Hello, I am {hero}. [What a nice|I like your] {thing}!" {new} looked up. "Thank
    you," {new.he} said [softly|in a small voice]. "I love it because {loved}."

    "Would you like to come to the {place} with me?" asked {hero}. {new} [nodded slowly|smiled a
    little|thought about it]. "[Yes, please|I would like that]," said {new}.

    {place.view} They played {game} all afternoon. {new} hid {rng.choice(place.spots)}, and {hero}
    [needed a long time to find {new.him}|laughed so much that {hero.his} belly hurt]. When
    evening came, {new} was not {bad.word} any more. {new.he} was {good.word}. "[Will you come
    again tomorrow|Are we friends now]?" {new.he} asked. "[Of course|Yes, every day]!" said
    {hero}. {FRIENDS_END}"""


# What is made in secret, and how.
PRESENTS = [
    ("warm scarf", "They knitted every evening, and the wool was soft and thick."),
    ("wooden box", "They sawed and painted, and soon there was sawdust everywhere."),
    ("picture book", "They drew a picture for every page and sewed the pages together."),
    ("chocolate cake", "They mixed butter, sugar and eggs and stirred and stirred."),
    ("paper lantern", "They cut out stars and glued thin paper behind them."),
    ("necklace", "They collected shiny beads and put them on a long thread."),
    ("song", "They practised every day until each note was right."),
    ("flower pot", "They painted it with dots and planted a small tulip in it."),
]


def secret_present(rng):
    """A birthday surprise, kept secret until the day."""
    hero, helper = children(rng, 2)
    one = grown_up(rng, hero)
    good = rng.choice(GOOD)
    gift, work = rng.choice(PRESENTS)
    return f"""{opening(rng, hero)} {hero} had a secret. Soon it was {one}'s birthday, and {hero}
    wanted to make a {gift} for {one.him}. "Can you keep a secret?" {hero} asked {helper}. "[Yes,
    I promise|I will not tell anybody|My lips are closed]," whispered {helper}.

    They met [in the attic|behind the barn|in {helper}'s room|in the old shed]. {work} Once {one}
    [came by|knocked at the door|heard them laugh] and asked, "What are you two doing?" {helper}
    almost told {one.him}, but {hero} [put a finger on {hero.his} lips|quickly hid everything
    under a blanket|said that they were only playing]. It was hard to keep the secret, but they
    kept it.

    [At last|Finally|After a long week] the birthday came. {hero} and {helper} [closed the
    curtains and|came in on tiptoe and|opened the door and] [shouted|sang|called], "Happy
    birthday, {one}!" Then they gave {one.him} the {gift}. {one} was [so surprised that {one.he}
    sat down|surprised and could not speak]. "Did you make this {gift} for me?" {one.he} asked.
    "[It is wonderful|I have never had a nicer present]!"

    {one} hugged them both. {hero} was {good.word}, and {hero.fill(good.shown)}. [A good secret is
    one that makes somebody happy|It had been hard to wait, but now they all laughed]."""


PLOTS_OF_FRIENDS = [lost_and_found, quarrel_and_sorry, sharing, somebody_new, secret_present]
